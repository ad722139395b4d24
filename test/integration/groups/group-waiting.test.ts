import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FastifyInstance } from 'fastify';
import { createGaugeSource } from '../../../src/api/gauges.ts';
import { createServer } from '../../../src/api/server.ts';
import { createConsumerControl } from '../../../src/consumers/consumer-control.ts';
import type { SubscriptionControl } from '../../../src/consumers/groups/subscription-control.ts';
import { submitMany } from '../../support/job-steps.ts';
import { createTestApi, type TestApi } from '../api/api-server.ts';
import { cancelJobs, controlOf, makeJobs } from './group-steps.ts';

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

/** Asks over a socket, as one that may go away. */
const ask = (address: string, name: string, signal: AbortSignal) =>
  fetch(`${address}${at(name, 'receive')}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ member: 'gone', waitMs: 20_000 }),
    signal,
  });
/** Resolves when the client of the first request to a server has gone. */
const leaves = (app: FastifyInstance) =>
  new Promise<void>((resolve) => {
    app.addHook('onRequest', (_request, reply, done) => {
      reply.raw.once('close', resolve);
      done();
    });
  });

/** Another server on the same database, which receives as the test wants. */
function createOther(receiving: SubscriptionControl['receive']): FastifyInstance {
  const control = controlOf(api.db);
  const subscriptions = new Proxy(control, {
    get: (target, key: keyof SubscriptionControl) =>
      key === 'receive' ? receiving : target[key].bind(target),
  });
  return createServer({
    context: api.db.context,
    consumers: createConsumerControl(api.db.database, api.db.wakeUp, []),
    subscriptions,
    metricsText: () => Promise.resolve(''),
    version: '0.0.0-test',
    instance: 'other',
    isDraining: () => false,
  });
}

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

  it('that goes while it is handed events leaves them to others, and no attempt counts', async () => {
    const gone = new AbortController();
    const control = controlOf(api.db);
    const other = createOther(async (name, order) => {
      const received = await control.receive(name, order);
      gone.abort();
      await left;
      return received;
    });
    const left = leaves(other);
    const address = await other.listen({ host: '127.0.0.1', port: 0 });
    await make('going');
    await makeJobs(api.db, 1, { queue: 'going' });
    await expect(ask(address, 'going', gone.signal)).rejects.toThrow('aborted');
    await vi.waitFor(async () => {
      expect(await control.get('going')).toMatchObject({ inFlight: 0, waiting: 2 });
    });
    await other.close();
    expect(await receive('going', { limit: 1 })).toMatchObject([{ attempt: 1 }]);
  });

  it('that has gone leaves its events to others, and no attempt counts', async () => {
    await make('gone');
    const gone = new AbortController();
    const waiting = ask(origin, 'gone', gone.signal);
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
