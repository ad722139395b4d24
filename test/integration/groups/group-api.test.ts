import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApi, type TestApi } from '../api/api-server.ts';
import { makeJobs } from './group-steps.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

const at = (name: string, verb = '') => `/v1/subscriptions/${name}${verb && `/${verb}`}`;

interface Handed {
  readonly delivery: string;
  readonly attempt: number;
  readonly event: { readonly subject: string; readonly type: string; readonly sequence: string };
}

async function receive(name: string, more: object = {}): Promise<Handed[]> {
  const { status, body } = await api.post(at(name, 'receive'), { member: 'm', ...more });
  expect(status).toBe(200);
  return body.deliveries as Handed[];
}

const itemsOf = (handed: readonly Handed[], more: object = {}) => ({
  items: handed.map(({ delivery }) => ({ delivery, ...more })),
});

describe('subscriptions over HTTP', () => {
  it('are made once, and told apart from others of the same name', async () => {
    const plan = { filter: { eventTypes: ['JobDead', 'JobFailed'], queues: ['a'] } };
    const made = await api.ask('PUT', at('dead'), plan);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      name: 'dead',
      filter: { eventTypes: ['JobDead', 'JobFailed'], queues: ['a'] },
      order: 'stream',
      startFrom: 'now',
      ackTimeoutMs: 30_000,
      maxAttempts: 10,
      maxInFlight: 1_000,
      moving: true,
      halted: null,
      askedAt: null,
    });
    const reordered = { filter: { queues: ['a'], eventTypes: ['JobFailed', 'JobDead'] } };
    expect((await api.ask('PUT', at('dead'), reordered)).status).toBe(200);
    const other = await api.ask('PUT', at('dead'), { ...plan, order: 'none', maxAttempts: 3 });
    expect(other).toMatchObject({
      status: 409,
      body: { code: 'subscription-differs', fields: 'order, maxAttempts' },
    });
    expect((await api.ask('PUT', at('plain'))).status).toBe(201);
    const { body } = await api.get('/v1/subscriptions');
    expect(body.data.map(({ name }: { name: string }) => name)).toEqual(['dead', 'plain']);
  });

  it('are changed and deleted', async () => {
    await api.ask('PUT', at('changing'), {});
    const change = { ackTimeoutMs: 60_000, filter: { tags: ['x'] } };
    expect((await api.ask('PATCH', at('changing'), change)).body).toMatchObject({
      ...change,
      maxAttempts: 10,
    });
    expect((await api.ask('PATCH', at('changing'), {})).status).toBe(400);
    expect((await api.ask('DELETE', at('changing'))).status).toBe(204);
    expect((await api.ask('DELETE', at('changing'))).body.code).toBe('subscription-not-found');
  });

  it('refuse what they do not know', async () => {
    const refused = [
      await api.ask('PUT', at('wrong'), { filter: { queue: ['a'] } }),
      await api.ask('PUT', at('wrong'), { filter: { eventTypes: ['JobExploded'] } }),
      await api.ask('PUT', at('wrong'), { startFrom: 'yesterday' }),
      await api.ask('PUT', at('wrong'), { from: 'now' }),
      await api.ask('PUT', at('wrong'), { maxInFlight: 0 }),
      await api.ask('PUT', at('WRONG'), {}),
      await api.post(at('dead', 'receive'), {}),
      await api.post(at('dead', 'ack'), { items: [{ delivery: 'x' }, { delivery: 'x' }] }),
      await api.post(at('dead', 'nack'), { items: [{ delivery: 'x' }] }),
      await api.post(at('dead', 'reset'), { to: '' }),
    ];
    expect(refused.map(({ body }) => [body.code, body.errors[0]?.pointer])).toEqual([
      ['invalid-request', '/filter/queue'],
      ['invalid-request', '/filter/eventTypes/0'],
      ['invalid-request', '/startFrom'],
      ['invalid-request', '/from'],
      ['invalid-request', '/maxInFlight'],
      ['invalid-request', '/path/name'],
      ['invalid-request', '/member'],
      ['invalid-request', '/items/1/delivery'],
      ['invalid-request', '/items/0/action'],
      ['invalid-request', '/to'],
    ]);
    const ahead = await api.ask('PUT', at('wrong'), { startFrom: '9000' });
    expect(ahead.body).toMatchObject({ status: 400, code: 'position-ahead' });
  });

  it('answer 404 for what there is not', async () => {
    const item = { items: [{ delivery: 'x' }] };
    const asked = [
      await api.get(at('nobody')),
      await api.ask('PATCH', at('nobody'), { maxAttempts: 1 }),
      await api.post(at('nobody', 'receive'), { member: 'm' }),
      await api.post(at('nobody', 'ack'), item),
      await api.post(at('nobody', 'nack'), { items: [{ delivery: 'x', action: 'skip' }] }),
      await api.get(at('nobody', 'parked')),
      await api.post(at('nobody', 'parked/replay')),
      await api.post(at('nobody', 'parked/skip')),
      await api.post(at('nobody', 'reset'), { to: 'now' }),
    ];
    for (const { status, body } of asked) {
      expect({ status, code: body.code }).toEqual({ status: 404, code: 'subscription-not-found' });
    }
  });

  it('hand out CloudEvents, and take answers to each', async () => {
    await api.ask('PUT', at('mail'), { filter: { queues: ['mail'] } });
    const [job, other] = await makeJobs(api.db, 2, { queue: 'mail', tags: ['x'] });
    const handed = await receive('mail', { limit: 3 });
    expect(handed.map(({ event }) => [event.type, event.subject])).toEqual([
      ['dev.daybook.queue.created.v1', 'mail'],
      ['dev.daybook.job.submitted.v1', job],
      ['dev.daybook.job.submitted.v1', other],
    ]);
    expect(handed[1]).toMatchObject({
      attempt: 1,
      event: { specversion: '1.0', queue: 'mail', partitionkey: job, tags: '["x"]' },
    });
    expect((await api.get(at('mail'))).body).toMatchObject({
      inFlight: 3,
      behind: 0,
      members: [{ member: 'm', inFlight: 3 }],
    });
    const acked = await api.post(at('mail', 'ack'), itemsOf(handed.slice(0, 1)));
    expect(acked.body.items).toMatchObject([{ outcome: 'recorded', state: 'settled' }]);
    const nacks = [
      { delivery: handed[1]?.delivery, action: 'park', reason: 'no such account' },
      { delivery: handed[2]?.delivery, action: 'retry', delayMs: 0 },
      { delivery: '7.0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11', action: 'skip' },
      { delivery: 'nonsense', action: 'skip' },
    ];
    expect((await api.post(at('mail', 'nack'), { items: nacks })).body.items).toEqual([
      { delivery: nacks[0]?.delivery, outcome: 'recorded', state: 'parked' },
      { delivery: nacks[1]?.delivery, outcome: 'recorded', state: 'waiting' },
      { delivery: nacks[2]?.delivery, outcome: 'delivery-lost' },
      { delivery: nacks[3]?.delivery, outcome: 'delivery-lost' },
    ]);
    expect(await receive('mail')).toMatchObject([{ attempt: 2, event: { subject: other } }]);
  });

  it('show what is parked, page by page, and replay and skip it', async () => {
    await api.ask('PUT', at('parking'), { filter: { queues: ['parking'], jobTypes: ['x'] } });
    const [job, other] = await makeJobs(api.db, 2, { queue: 'parking' });
    const reason = { action: 'park', reason: 'odd' };
    await api.post(at('parking', 'nack'), itemsOf(await receive('parking'), reason));
    const page = await api.get(at('parking', 'parked?pageSize=3'));
    expect(page.body).toMatchObject({
      data: [
        { streamId: job, state: 'parked', type: 'JobSubmitted', queue: 'parking', reason: 'odd' },
        { streamId: other, state: 'parked', attempts: 1, member: 'm' },
        { streamId: job, state: 'behind', type: 'JobCancelled', attempts: 0, member: null },
      ],
    });
    const next = await api.get(at('parking', `parked?after=${page.body.nextAfter}`));
    expect(next.body).toMatchObject({ data: [{ streamId: other, state: 'behind' }] });
    expect(next.body.nextAfter).toBeUndefined();
    const skipped = await api.post(at('parking', 'parked/skip'), { streamId: job });
    expect(skipped.body).toEqual({ changed: 1 });
    expect((await api.post(at('parking', 'parked/replay'))).body).toEqual({ changed: 1 });
    const again = await receive('parking');
    expect(again.map(({ event }) => [event.subject, event.type])).toEqual([
      [other, 'dev.daybook.job.submitted.v1'],
      [job, 'dev.daybook.job.cancelled.v1'],
    ]);
  });

  it('begin anew where they are told to', async () => {
    const start = (await api.ask('PUT', at('again'), { filter: { queues: ['again'] } })).body
      .position;
    await makeJobs(api.db, 1, { queue: 'again' });
    const first = await receive('again');
    const reset = await api.post(at('again', 'reset'), { to: start });
    expect(reset.body).toMatchObject({ position: start, inFlight: 0, behind: 0 });
    const lost = await api.post(at('again', 'ack'), itemsOf(first));
    expect(lost.body.items[0]).toMatchObject({ outcome: 'delivery-lost' });
    const sequences = (events: readonly Handed[]) => events.map(({ event }) => event.sequence);
    expect(sequences(await receive('again'))).toEqual(sequences(first));
    const { head } = (await api.post(at('again', 'reset'), { to: 'now' })).body;
    expect((await api.get(at('again'))).body).toMatchObject({ position: head, lagEvents: 0 });
    expect(await receive('again')).toEqual([]);
    const time = await api.post(at('again', 'reset'), { to: '2020-01-01T00:00:00Z' });
    expect(time.body.position).toBe('0');
    expect(sequences(await receive('again'))).toEqual(sequences(first));
    const { rows } = await api.db.database.pool.query<{ at: string; last: string }>(
      `select to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
         lag(last_position, 1, 0) over (order by last_position)::text as last
       from ${api.db.schema}.log_batches order by last_position desc limit 1`,
    );
    const byTime = await api.post(at('again', 'reset'), { to: rows[0]?.at });
    expect(byTime.body.position).toBe(rows[0]?.last);
    const byToken = await api.post(at('again', 'reset'), { to: `v1.1.${start}` });
    expect(byToken.body.position).toBe(start);
    const foreign = await api.post(at('again', 'reset'), { to: `v1.7.${start}` });
    expect(foreign.body).toMatchObject({ status: 410, code: 'token-expired' });
  });
});
