import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createGaugeSource } from '../../../src/api/gauges.ts';
import { submitMany } from '../../support/job-steps.ts';
import { createTestApi, type TestApi } from '../api/api-server.ts';
import { cancelJobs, makeJobs } from './group-steps.ts';

let api: TestApi;
let origin: string;
let draining = false;
beforeAll(async () => {
  api = await createTestApi({ isDraining: () => draining });
  origin = await api.listen();
});
afterAll(() => api.close());

const at = (name: string, verb: string) => `/v1/subscriptions/${name}/${verb}`;
const make = (name: string, plan: object = {}) =>
  api.ask('PUT', `/v1/subscriptions/${name}`, { filter: { queues: [name] }, ...plan });

interface Handed {
  readonly delivery: string;
  readonly attempt: number;
  readonly event: { readonly type: string; readonly subject: string };
}
async function receive(name: string, more: object = {}): Promise<Handed[]> {
  const asked = { member: 'm', waitMs: 20_000, ...more };
  return (await api.post(at(name, 'receive'), asked)).body.deliveries as Handed[];
}
const seen = (handed: readonly Handed[]) => handed.map(({ event }) => event.type.split('.')[3]);
const items = (handed: readonly Handed[], more: object = {}) => ({
  items: handed.map(({ delivery }) => ({ delivery, ...more })),
});
/** Until a member's question has reached the database. */
const asked = (name: string) =>
  vi.waitFor(async () => {
    const { body } = await api.get(`/v1/subscriptions/${name}`);
    expect(body.askedAt).not.toBeNull();
  });

describe('a member that waits', () => {
  it('is handed an event as soon as there is one', async () => {
    await make('soon');
    const waiting = receive('soon');
    await asked('soon');
    await makeJobs(api.db, 1, { queue: 'soon' });
    expect(seen(await waiting)).toEqual(['created', 'submitted']);
  });

  it('is handed what another lets follow, or gives back', async () => {
    await make('follow', { filter: { queues: ['follow'], jobTypes: ['x'] } });
    await makeJobs(api.db, 1, { queue: 'follow' });
    const first = await receive('follow');
    const waiting = receive('follow', { member: 'other' });
    await api.post(at('follow', 'ack'), items(first));
    const second = await waiting;
    expect(seen(second)).toEqual(['cancelled']);
    const again = receive('follow');
    await api.post(at('follow', 'nack'), items(second, { action: 'retry', delayMs: 50 }));
    expect(await again).toMatchObject([{ attempt: 2 }]);
  });

  it('is handed what is not answered in time', async () => {
    const filter = { queues: ['late'], jobTypes: ['x'] };
    await make('late', { filter, ackTimeoutMs: 100 });
    await makeJobs(api.db, 1, { queue: 'late' });
    const [lost] = await receive('late', { limit: 1 });
    const handed = await receive('late', { limit: 1, member: 'other' });
    expect(handed).toMatchObject([{ attempt: 2, event: { subject: lost?.event.subject } }]);
  });

  it('shares with others that wait, each event going to one', async () => {
    await make('shared', { filter: { queues: ['shared'], eventTypes: ['JobSubmitted'] } });
    const waiting = Array.from({ length: 5 }, (_, index) =>
      receive('shared', { member: `m${index}`, limit: 2 }),
    );
    await asked('shared');
    const ids = await makeJobs(api.db, 10, { queue: 'shared' });
    const handed = (await Promise.all(waiting)).flat();
    expect(handed.map(({ event }) => event.subject).toSorted()).toEqual(ids.toSorted());
  });

  it('that has gone leaves its events to others, and no attempt counts', async () => {
    await make('gone');
    const gone = new AbortController();
    const waiting = fetch(`${origin}${at('gone', 'receive')}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ member: 'gone', waitMs: 20_000 }),
      signal: gone.signal,
    });
    await asked('gone');
    gone.abort();
    await expect(waiting).rejects.toThrow('aborted');
    await makeJobs(api.db, 1, { queue: 'gone' });
    expect(await receive('gone', { limit: 1 })).toMatchObject([{ attempt: 1 }]);
  });

  it('gets no answer but 503 once the process is draining', async () => {
    await make('draining');
    draining = true;
    const answer = await api.post(at('draining', 'receive'), { member: 'm', waitMs: 20_000 });
    draining = false;
    expect(answer).toMatchObject({ status: 503, body: { code: 'overloaded' } });
  });
});

describe('gauges', () => {
  it('tell how far each subscription is, and whether it moves', async () => {
    await make('gauge', { filter: { queues: ['gauge'], jobTypes: ['x'] } });
    const ids = await submitMany(api.db, 3, { queue: 'gauge' });
    await cancelJobs(api.db, ids);
    await makeJobs(api.db, 1, { queue: 'elsewhere' });
    await api.post(at('gauge', 'nack'), {
      ...items((await receive('gauge')).slice(0, 1), { action: 'park' }),
    });
    const { subscriptions } = await createGaugeSource(api.db.context).read();
    expect(subscriptions?.find(({ subscription }) => subscription === 'gauge')).toMatchObject({
      moving: true,
      lagEvents: expect.any(Number),
      events: { 'in-flight': 2, waiting: 0, behind: 3, parked: 1 },
    });
    await api.db.database.pool.query(
      `update ${api.db.schema}.subscriptions set moved_at = now() - interval '1 minute'`,
    );
    const later = await createGaugeSource(api.db.context).read();
    expect(later.subscriptions?.find(({ subscription }) => subscription === 'gauge')).toMatchObject(
      {
        moving: false,
      },
    );
  });
});
