import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEventSource } from '../../support/event-source.ts';
import { claim, submitMany } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { createTestApi, type TestApi } from '../api/api-server.ts';

let api: TestApi;
let head: number;
beforeAll(async () => {
  api = await createTestApi();
  for (const queue of ['default', 'mail']) {
    await api.post(
      '/v1/jobs',
      { queue, type: 'x', tags: ['t'], correlationId: 'order-1' },
      { 'x-actor': 'ada', 'x-request-id': 'request-1' },
    );
  }
  await api.post('/v1/jobs', { queue: 'default', type: 'y' });
  await claim(api.db, await api.db.openSession());
  await sequenceAll(api.db.database);
  head = Number((await api.get('/v1/events')).body.nextAfter.split('.').at(-1));
});
afterAll(async () => {
  await api.close();
});

type Shown = Record<string, unknown>;
const shortened = (events: Shown[]) =>
  events.map(
    ({ type, sequence }) => `${Number(sequence)} ${String(type).split('.').slice(2, 4).join('.')}`,
  );

describe('GET /v1/events', () => {
  it('shows the log from the start as CloudEvents', async () => {
    const { status, body } = await api.get('/v1/events');
    expect(status).toBe(200);
    expect(shortened(body.data)).toEqual([
      '1 queue.created',
      '2 job.submitted',
      '3 queue.created',
      '4 job.submitted',
      '5 job.submitted',
      '6 job.claimed',
      '7 job.claimed',
    ]);
    expect(body).toMatchObject({ nextAfter: 'v1.1.7', caughtUp: true });
    expect(body.data[1]).toMatchObject({
      specversion: '1.0',
      source: '/daybook/daybook/default',
      queue: 'default',
      jobtype: 'x',
      tags: '["t"]',
      correlationid: 'order-1',
      causationid: 'request-1',
      authid: 'ada',
      data: { type: 'x', payloadBytes: 4 },
    });
    expect(JSON.stringify(body)).not.toContain('leaseToken');
  });

  it('goes on after a token, a position, and Last-Event-ID before either', async () => {
    const first = await api.get('/v1/events?pageSize=3');
    expect(first.body).toMatchObject({ nextAfter: 'v1.1.3', caughtUp: false });
    const rest = await api.get(`/v1/events?after=${first.body.nextAfter}`);
    expect(shortened(rest.body.data)).toHaveLength(head - 3);
    expect((await api.get('/v1/events?after=3')).body).toEqual(rest.body);
    const resumed = await api.ask('GET', '/v1/events?after=0', undefined, {
      'last-event-id': 'v1.1.3',
    });
    expect(resumed.body).toEqual(rest.body);
    expect((await api.get('/v1/events?after=end')).body).toEqual({
      data: [],
      nextAfter: `v1.1.${head}`,
      caughtUp: true,
    });
  });

  it('gives the whole chain of a correlation, across jobs', async () => {
    const { body } = await api.get('/v1/events?correlation=order-1');
    expect(shortened(body.data)).toEqual(['2 job.submitted', '4 job.submitted', '6 job.claimed']);
  });

  it('gives a chain that goes by the id of its first job, with that job', async () => {
    const { body } = await api.get('/v1/events?eventType=JobSubmitted&jobType=y');
    const [first] = body.data as { subject: string }[];
    const chain = await api.get(`/v1/events?correlation=${first?.subject}`);
    expect(chain.body.data).toEqual((await api.get(`/v1/events?job=${first?.subject}`)).body.data);
    expect(chain.body.data[0]).toEqual(first);
  });

  it.each([
    ['eventType=JobClaimed', ['6 job.claimed', '7 job.claimed']],
    ['queue=mail', ['3 queue.created', '4 job.submitted']],
    ['jobType=y&jobType=z', ['5 job.submitted', '7 job.claimed']],
    ['tag=t&eventType=JobClaimed', ['6 job.claimed']],
    [
      'eventType=QueueCreated&eventType=JobClaimed&queue=default',
      ['1 queue.created', '6 job.claimed', '7 job.claimed'],
    ],
    ['queue=not-yet-there', []],
    ['jobType=not-yet-there', []],
  ])('filters by %s', async (query, wanted) => {
    const { body } = await api.get(`/v1/events?${query}`);
    expect(shortened(body.data)).toEqual(wanted);
    expect(body).toMatchObject({ nextAfter: `v1.1.${head}`, caughtUp: true });
  });

  it('filters by the id of a job', async () => {
    const { data } = (await api.get('/v1/events?jobType=y&pageSize=1')).body;
    const { body } = await api.get(`/v1/events?job=${data[0].subject}`);
    expect(shortened(body.data)).toEqual(['5 job.submitted', '7 job.claimed']);
  });

  it.each([
    ['colour=blue', '/query/colour'],
    ['queue=Not A Name', '/query/queue'],
    ['eventType=JobExploded', '/query/eventType'],
    ['job=42', '/query/job'],
    ['tag=', '/query/tag'],
    ['after=yesterday', '/query/after'],
    ['after=v1.1.99999999999999999999', '/query/after'],
    ['pageSize=0', '/query/pageSize'],
    ['follow=maybe', '/query/follow'],
  ])('refuses %s', async (query, pointer) => {
    const { status, body } = await api.get(`/v1/events?${query}`);
    expect(status).toBe(400);
    expect(body.code).toBe('invalid-request');
    expect(body.errors.map((each: { pointer: string }) => each.pointer)).toContain(pointer);
  });

  it('tells a write token from a log token', async () => {
    const { body } = await api.post('/v1/jobs', { queue: 'default', type: 'x' });
    const refused = await api.get(`/v1/events?after=${body.token}`);
    expect(refused.status).toBe(400);
    expect(refused.body.detail).toContain('write token');
  });

  it.each(['1000', 'v1.1.1000'])('says that %s is ahead of the log', async (after) => {
    const { status, body } = await api.get(`/v1/events?after=${after}`);
    expect({ status, ...body }).toMatchObject({ status: 400, code: 'position-ahead', head: '7' });
  });

  it('is gone for a token of another epoch', async () => {
    const { status, body } = await api.get('/v1/events?after=v1.7.1');
    expect({ status, ...body }).toMatchObject({
      status: 410,
      code: 'token-expired',
      reason: 'epoch',
      epoch: 1,
    });
  });
});

describe('a log whose beginning was dropped', () => {
  it('begins at what is there, and says so to those who come from before', async () => {
    const short = await createTestApi({}, { partitionSpan: 1_024 });
    await submitMany(short.db, 1_100);
    await sequenceAll(short.db.database);
    await short.db.database.pool.query(`drop table ${short.db.schema}.events_0`);
    const begun = await short.get('/v1/events?pageSize=1');
    expect(shortened(begun.body.data)).toEqual(['1025 job.submitted']);
    for (const after of ['0', '1023', 'v1.1.1000']) {
      const { status, body } = await short.get(`/v1/events?after=${after}`);
      expect({ status, ...body }).toMatchObject({
        status: 410,
        code: 'token-expired',
        reason: 'dropped',
        first: '1025',
      });
    }
    expect((await short.get('/v1/events?after=1024')).status).toBe(200);
    const source = await openEventSource(`${await short.listen()}/v1/events`, {
      'last-event-id': 'v1.1.1000',
    });
    const told = await source.until(({ event }) => event === 'reset');
    expect(told.at(-1)).toMatchObject({
      id: 'v1.1.1024',
      data: '{"token":"v1.1.1024","reason":"dropped"}',
    });
    source.close();
    await short.close();
  });
});
