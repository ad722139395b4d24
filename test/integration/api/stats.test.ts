import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSoon } from '../../support/expect-soon.ts';
import { submitMany, submitOne } from '../../support/job-steps.ts';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
  await api.startReaders();
});
afterAll(async () => {
  await api.close();
});

/** Says that the model was kept: rows of a queue and type, each step of time. */
async function insertBuckets(
  queue: string,
  type: string,
  buckets: readonly { readonly at: string; readonly completed: number; readonly run: string }[],
): Promise<void> {
  await api.db.context.names.queueIds([queue]);
  await api.db.context.names.typeIds([type]);
  await api.db.database.pool.query(
    `insert into ${api.db.schema}.job_metrics_1 (bucket, minutes, queue_id, job_type_id, submitted,
       started, completed, failed, retried, dead, cancelled, interrupted, wait, run)
     select at, minutes, q.id, t.id, 0, completed, completed, 0, 0, 0, 0, 0, '{}', run::int[]
     from jsonb_to_recordset($1) as given (at timestamptz, completed int, run text)
     cross join unnest('{1,60,1440}'::int[]) as step (minutes)
     join ${api.db.schema}.queues q on q.name = $2 join ${api.db.schema}.job_types t on t.name = $3
     where date_bin(minutes * interval '1 minute', at, 'epoch') = at`,
    [JSON.stringify(buckets), queue, type],
  );
}

const hour = 'from=2026-01-05T09:00:00Z&to=2026-01-05T10:00:00Z';

describe('GET /v1/stats', () => {
  it('tells what happened in the last minutes, and how long it took', async () => {
    await submitMany(api.db, 3, { queue: 'fresh', type: 'a' });
    const claimed = await api.post('/v1/queues/fresh/claim', { worker: 'w', limit: 3 });
    const [first, second, third] = claimed.body.jobs.map(
      ({ id, leaseToken }: { id: string; leaseToken: string }) => ({ jobId: id, leaseToken }),
    );
    await api.post('/v1/claims/complete', { items: [first, second] });
    const error = { name: 'Oops', message: 'no' };
    await api.post('/v1/claims/fail', { items: [{ ...third, error, retryable: false }] });
    const { status, body } = await api.get(`/v1/stats?queue=fresh&after=1.${third.jobId}.4`);
    expect(status).toBe(200);
    expect(body.step).toBe('minute');
    expect(Date.parse(body.to) - Date.parse(body.from)).toBe(3_600_000);
    // All of it, whether or not a minute began meanwhile.
    const sum = (name: string) =>
      body.data.reduce((total: number, { counts }: never) => total + counts[name], 0);
    const names = ['submitted', 'started', 'completed', 'failed', 'retried', 'dead', 'cancelled'];
    expect(names.map((name) => [name, sum(name)])).toEqual([
      ['submitted', 3],
      ['started', 3],
      ['completed', 2],
      ['failed', 1],
      ['retried', 0],
      ['dead', 1],
      ['cancelled', 0],
    ]);
    const last = body.data.at(-1);
    const seconds = (Date.parse(last.to) - Date.parse(last.from)) / 1_000;
    expect(seconds).toBeLessThanOrEqual(60);
    expect(last.perSecond.completed).toBeCloseTo(last.counts.completed / seconds);
    expect(last.runMs.p50).toBeGreaterThanOrEqual(0);
    expect(last.runMs.p99).toBeGreaterThanOrEqual(last.runMs.p50);
    expect(last).not.toHaveProperty('queue');
    const { position } = (await api.get(`/v1/jobs/${third.jobId}/events`)).body.data.at(-1);
    expect(BigInt(body.asOf.position)).toBeGreaterThanOrEqual(BigInt(position));
  });

  describe('over what was kept', () => {
    beforeAll(async () => {
      await insertBuckets('kept-a', 'x', [
        { at: '2026-01-05T00:00Z', completed: 1_000, run: '{0,1000}' },
        { at: '2026-01-05T09:00Z', completed: 60, run: '{0,60}' },
        { at: '2026-01-05T09:01Z', completed: 10, run: '{0,0,0,0,0,10}' },
        { at: '2026-01-05T10:00Z', completed: 1, run: '{1}' },
      ]);
      await insertBuckets('kept-a', 'y', [{ at: '2026-01-05T09:01Z', completed: 10, run: '{10}' }]);
      await insertBuckets('kept-b', 'x', [
        { at: '2026-01-05T09:01Z', completed: 30, run: '{0,30}' },
      ]);
    });
    const read = async (query: string) => (await api.get(`/v1/stats?${hour}&${query}`)).body.data;

    it('adds up queues and types, and the histograms of them', async () => {
      const points = await read('');
      expect(points).toMatchObject([
        {
          from: '2026-01-05T09:00:00.000Z',
          to: '2026-01-05T09:01:00.000Z',
          counts: { completed: 60, submitted: 0 },
          perSecond: { completed: 1 },
          waitMs: null,
          runMs: { p50: 1, p95: 1, p99: 1 },
        },
        { from: '2026-01-05T09:01:00.000Z', counts: { completed: 50 } },
      ]);
      // 10 of 0 ms, 30 of 1 ms, 10 of 5 ms.
      expect(points[1].runMs).toEqual({ p50: 1, p95: 5, p99: 5 });
    });

    it('tells queues and types apart', async () => {
      const of = async (query: string) =>
        (await read(query)).map((point: Record<string, unknown>) => [
          String(point['from']).slice(11, 16),
          point['queue'],
          point['type'],
          (point['counts'] as { completed: number }).completed,
        ]);
      expect(await of('groupBy=queue')).toEqual([
        ['09:00', 'kept-a', undefined, 60],
        ['09:01', 'kept-a', undefined, 20],
        ['09:01', 'kept-b', undefined, 30],
      ]);
      expect(await of('groupBy=type')).toEqual([
        ['09:00', undefined, 'x', 60],
        ['09:01', undefined, 'x', 40],
        ['09:01', undefined, 'y', 10],
      ]);
      expect(await of('groupBy=queue,type&queue=kept-a')).toEqual([
        ['09:00', 'kept-a', 'x', 60],
        ['09:01', 'kept-a', 'x', 10],
        ['09:01', 'kept-a', 'y', 10],
      ]);
      expect(await of('type=y')).toEqual([['09:01', undefined, undefined, 10]]);
      expect(await of('type=nobody-has-it')).toEqual([]);
    });

    it('brings the ends to whole buckets of the step', async () => {
      const times = 'from=2026-01-05T09:00:59Z&to=2026-01-05T10:00:01Z';
      const { body } = await api.get(`/v1/stats?${times}&step=hour&queue=kept-a`);
      expect(body).toMatchObject({
        from: '2026-01-05T09:00:00.000Z',
        to: '2026-01-05T11:00:00.000Z',
        data: [{ counts: { completed: 60 } }, { counts: { completed: 1 } }],
      });
      expect((await api.get('/v1/stats?step=day&to=2026-01-06T00:00:00Z')).body).toMatchObject({
        from: '2025-12-07T00:00:00.000Z',
        to: '2026-01-06T00:00:00.000Z',
        data: [{ counts: { completed: 1_000 } }],
      });
    });
  });

  it('refuses more rows than it adds up', async () => {
    await api.db.context.names.queueIds(['many']);
    await api.db.context.names.typeIds(Array.from({ length: 10 }, (_, index) => `many-${index}`));
    await api.db.database.pool.query(
      `insert into ${api.db.schema}.job_metrics_1
       select '2026-02-01T00:00Z'::timestamptz + n * interval '1 minute', 1, q.id, t.id,
         0, 0, 1, 0, 0, 0, 0, 0, '{}', '{1}'
       from ${api.db.schema}.queues q, generate_series(0, 1000) n,
         ${api.db.schema}.job_types t
       where q.name = 'many' and t.name like 'many-%'`,
    );
    const from = 'queue=many&from=2026-02-01T00:00:00Z';
    const much = await api.get(`/v1/stats?${from}&to=2026-02-01T16:41:00Z`);
    expect(much.status).toBe(400);
    expect(much.body.detail).toContain('more than 10000 buckets of a queue and a type');
    const most = await api.get(`/v1/stats?${from}&to=2026-02-01T16:40:00Z`);
    expect(most.status).toBe(200);
    expect(most.body.data).toHaveLength(1_000);
    expect(most.body.data[0].counts.completed).toBe(10);
  });

  it.each([
    [
      'from=2026-01-01T00:00:00Z&to=2026-01-02T01:01:00Z',
      '/query/from',
      '1501 buckets of a minute',
    ],
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', '/query/from', 'before `to`'],
    ['from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z', '/query/from', 'before `to`'],
    ['step=week', '/query/step', ''],
    ['groupBy=type,queue', '/query/groupBy', ''],
    ['tag=x', '/query/tag', ''],
    ['after=x', '/query/after', 'not a write token'],
    ['minPosition=x', '/query/minPosition', 'must be a position'],
    ['minPosition=-1', '/query/minPosition', 'must be a position'],
  ])('refuses ?%s', async (query, pointer, message) => {
    const { status, body } = await api.get(`/v1/stats?${query}`);
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe(pointer);
    expect(body.detail).toContain(message);
  });

  it('gives the most buckets there may be', async () => {
    const query = 'from=2026-01-01T00:00:00Z&to=2026-01-02T01:00:00Z';
    expect((await api.get(`/v1/stats?${query}`)).status).toBe(200);
  });

  it('does not find an unknown queue', async () => {
    expect((await api.get('/v1/stats?queue=nowhere')).body.code).toBe('queue-not-found');
  });
});

describe('the rates of queues', () => {
  it('are those of whole minutes', async () => {
    await submitOne(api.db, { queue: 'rated' });
    const zero = { submitted: 0, completed: 0, failed: 0 };
    const rates = async () => (await api.get('/v1/queues/rated')).body.rates;
    expect(await rates()).toMatchObject({ lastMinute: { completed: 0 } });
    await api.db.context.names.typeIds(['rates']);
    // This minute, two of the five before it, and the one before those.
    await api.db.database.pool.query(
      `insert into ${api.db.schema}.job_metrics_1
       select date_bin('1 minute', statement_timestamp(), 'epoch') - n * interval '1 minute', 1, q.id,
         t.id, 0, 0, case n when 1 then 120 when 5 then 180 else 6000 end, 0, 0, 0, 0, 0, '{}', '{}'
       from ${api.db.schema}.queues q, ${api.db.schema}.job_types t, unnest('{0,1,5,6}'::int[]) n
       where q.name = 'rated' and t.name = 'rates'`,
    );
    const seen = await rates();
    // Had a minute begun between the two statements, the bucket of "this minute" would be the last.
    expect([
      { ...zero, completed: 2 },
      { ...zero, completed: 100 },
    ]).toContainEqual(seen.lastMinute);
    expect([1, (120 + 6_000) / 300]).toContainEqual(seen.lastFiveMinutes.completed);
  });
});

describe('minPosition', () => {
  const lists = ['/v1/jobs', '/v1/queues', '/v1/queues/waited', '/v1/stats', '/v1/failures'];

  it.each(lists)('lets %s wait for a position', async (path) => {
    const id = await submitOne(api.db, { queue: 'waited' });
    const position = async () => (await api.get(`/v1/jobs/${id}/events`)).body.data[0].position;
    await expectSoon(position).not.toBeNull();
    const { status, body } = await api.get(`${path}?minPosition=${await position()}`);
    expect([status, body.detail]).toEqual([200, undefined]);
    if (path === '/v1/queues/waited') return;
    expect(BigInt(body.asOf.position)).toBeGreaterThanOrEqual(BigInt(await position()));
  });

  it.each(lists)('of %s is refused where the log does not reach it', async (path) => {
    await submitOne(api.db, { queue: 'waited' });
    const { status, body } = await api.get(`${path}?minPosition=999999999999999999`);
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe('/query/minPosition');
    expect(body.detail).toContain('The log ends at');
  });
});

describe('without a projector', () => {
  it('every list says that it is behind', async () => {
    const still = await createTestApi();
    try {
      await still.db.startSequencer();
      const id = await submitOne(still.db, { queue: 'waited' });
      const position = async () => (await still.get(`/v1/jobs/${id}/events`)).body.data[0].position;
      await expectSoon(position).not.toBeNull();
      const paths = ['/v1/jobs', '/v1/queues', '/v1/stats', '/v1/failures'];
      const asked = [`after=1.${id}.1`, 'minPosition=1'].flatMap((query) =>
        paths.map((path) => still.get(`${path}?${query}`)),
      );
      const codes = (await Promise.all(asked)).map(({ status, body }) => [status, body.code]);
      expect(codes).toEqual(codes.map(() => [503, 'projection-behind']));
    } finally {
      await still.close();
    }
  });

  it('tells what had happened at a position, and refuses freshness beside it', async () => {
    const [first] = await submitMany(api.db, 1, { queue: 'past', type: 'a' });
    const { body: one } = await api.get(`/v1/stats?queue=past&after=1.${first}.1`);
    const [second] = await submitMany(api.db, 1, { queue: 'past', type: 'a' });
    const { body: two } = await api.get(`/v1/stats?queue=past&after=1.${second}.1`);
    const submitted = (data: { counts: { submitted: number } }[]) =>
      data.reduce((total, { counts }) => total + counts.submitted, 0);
    expect([submitted(one.data), submitted(two.data)]).toEqual([1, 2]);
    const { position } = one.asOf;
    const past = await api.get(`/v1/stats?queue=past&at=${position}`);
    expect(submitted(past.body.data)).toBe(1);
    expect(past.body.asOf).toEqual({ position, time: expect.any(String) });
    const both = await api.get(`/v1/stats?at=${position}&minPosition=1`);
    expect([both.status, both.body.code]).toEqual([400, 'invalid-request']);
    const future = await api.get('/v1/stats?at=999999');
    expect([future.status, future.body.code]).toEqual([400, 'moment-in-future']);
  });
});
