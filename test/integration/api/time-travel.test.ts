import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { endAttempts } from '../../../src/commands/work/end-attempts.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { jobStatus } from '../../../src/projections/job-status/projection.ts';
import { projections } from '../../../src/projections/registry.ts';
import { listBuilds } from '../../../src/consumers/statements/list-builds.ts';
import { claim, submitMany, submitOne } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { applyLive } from '../../support/read-models.ts';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => {
  await api.close();
});

interface Mark {
  readonly position: string;
  readonly time: string;
}

/** Brings everything into the log, and the read models up to its end; answers that moment. */
async function mark(): Promise<Mark> {
  const { database } = api.db;
  await sequenceAll(database);
  const { rows } = await database.pool.query(
    `select last_position, recorded_at from ${api.db.schema}.log_batches
     order by last_position desc limit 1`,
  );
  const upTo = BigInt(rows[0].last_position as string);
  for (const { name } of projections) {
    const live = (await database.run(listBuilds, { name })).find(({ role }) => role === 'live');
    const after = live?.position ?? 0n;
    if (after < upTo) await applyLive(database, name, { after, upTo });
  }
  const time = (rows[0].recorded_at as Date).toISOString();
  // What comes next has a later time.
  await expect.poll(() => Date.now()).toBeGreaterThan(Date.parse(time) + 2);
  return { position: String(upTo), time };
}

const ids = (body: { data: { id: string }[] }) => body.data.map(({ id }) => id);
const newestFirst = (all: readonly string[]) => all.toSorted().toReversed();

describe('GET /v1/jobs?at=', () => {
  it('lists what stood where, by position and by time', async () => {
    const queue = 'lists';
    const jobs = await submitMany(api.db, 3, { queue, tags: ['red'] });
    const [first = '', second = '', third = ''] = jobs;
    const waiting = await mark();
    const session = await api.db.openSession();
    const claims = await claim(api.db, session, { queue, limit: 2 });
    const running = await mark();
    const tokenOf = (id: string) => claims.find((each) => each.id === id)?.leaseToken ?? '';
    await completeJobs(api.db.context, [{ id: first, leaseToken: tokenOf(first), result: null }]);
    const error = { name: 'Oops', message: 'no luck' };
    const failure = { kind: 'fail' as const, error, retryable: false, leaseToken: tokenOf(second) };
    await endAttempts(api.db.context, [{ id: second, command: failure }]);
    const ended = await mark();

    const list = async (filter: string, at: string) => {
      const { status, body } = await api.get(`/v1/jobs?queue=${queue}&${filter}&at=${at}`);
      expect(status).toBe(200);
      return ids(body);
    };
    const expected: [Mark, string, readonly string[]][] = [
      [waiting, 'state=ready', jobs],
      [waiting, 'state=running', []],
      [running, 'state=ready', [third]],
      [running, 'state=running', [first, second]],
      [running, 'error=Oops', []],
      [ended, 'state=running', []],
      [ended, 'state=completed', [first]],
      [ended, 'state=dead', [second]],
      [ended, 'error=Oops', [second]],
      [ended, 'tag=red', jobs],
      [ended, 'tag=blue', []],
      [ended, 'type=none', []],
    ];
    for (const [moment, filter, wanted] of expected) {
      expect(await list(filter, moment.position)).toEqual(newestFirst(wanted));
      expect(await list(filter, moment.time)).toEqual(newestFirst(wanted));
    }
    const { body } = await api.get(`/v1/jobs?queue=${queue}&state=running&at=${running.time}`);
    expect(body.asOf).toEqual(running);
    expect(body.data[0]).toMatchObject({ state: 'running', version: 2, endedAt: null });
  });

  it('shows the same moment on every page', async () => {
    const queue = 'pages';
    const jobs = await submitMany(api.db, 5, { queue });
    const before = await mark();
    const now = new Date().toISOString();
    const path = `/v1/jobs?queue=${queue}&state=ready&pageSize=2&at=${now}`;
    const first = await api.get(path);
    expect(first.body.asOf).toEqual({ position: before.position, time: now });
    // As if a batch of that time had been seen only now.
    await submitMany(api.db, 2, { queue });
    await claim(api.db, await api.db.openSession(), { queue, limit: 5 });
    await mark();
    await api.db.database.pool.query(
      `update ${api.db.schema}.log_batches set recorded_at = $1 where last_position > $2`,
      [now, before.position],
    );
    const second = await api.get(`${path}&pageToken=${first.body.nextPageToken}`);
    expect(second.body.asOf).toEqual(first.body.asOf);
    const third = await api.get(`${path}&pageToken=${second.body.nextPageToken}`);
    expect(third.body).not.toHaveProperty('nextPageToken');
    const pages = [first, second, third].flatMap(({ body }) => ids(body));
    expect(pages).toEqual(newestFirst(jobs));
  });

  it('refuses what does not fit together', async () => {
    await submitMany(api.db, 2, { queue: 'tokens' });
    const { position } = await mark();
    const path = `/v1/jobs?queue=tokens&pageSize=1&at=${position}`;
    const token = (await api.get(path)).body.nextPageToken as string;
    const refused = async (query: string) => {
      const { status, body } = await api.get(`/v1/jobs?${query}`);
      return [status, body.code, body.errors[0].pointer];
    };
    const wrongToken = [400, 'invalid-request', '/query/pageToken'];
    expect(await refused(`queue=tokens&pageSize=1&at=1&pageToken=${token}`)).toEqual(wrongToken);
    expect(await refused(`pageSize=1&at=${position}&pageToken=${token}`)).toEqual(wrongToken);
    expect(await refused(`queue=tokens&pageToken=${token}`)).toEqual(wrongToken);
    expect(await refused(`at=${position}&pageToken=x`)).toEqual(wrongToken);
    const elsewhere = token.replace(position, '1');
    expect(await refused(`queue=tokens&at=${position}&pageToken=${elsewhere}`)).toEqual(wrongToken);
    expect(await refused(`at=${position}&after=1.x.1`)).toEqual([
      400,
      'invalid-request',
      '/query/after',
    ]);
  });
});

describe('GET /v1/queues/{queue}?at=', () => {
  it('tells depth, oldest job, running set and settings as they were', async () => {
    const queue = 'depth';
    await submitOne(api.db, { queue: 'elsewhere' });
    const unborn = await mark();
    const jobs = await submitMany(api.db, 3, { queue });
    const [first = ''] = jobs;
    const waiting = await mark();
    await api.ask('PATCH', `/v1/queues/${queue}`, { settings: { concurrency: 3 } });
    const session = await api.db.openSession();
    const [claimed] = await claim(api.db, session, { queue, limit: 1 });
    await api.post(`/v1/queues/${queue}/pause`);
    const running = await mark();
    const { leaseToken = '' } = claimed ?? {};
    await completeJobs(api.db.context, [{ id: first, leaseToken, result: null }]);
    await api.post(`/v1/queues/${queue}/resume`);
    const ended = await mark();

    const at = (moment: string) => api.get(`/v1/queues/${queue}?at=${moment}`);
    for (const by of ['position', 'time'] as const) {
      expect(await at(unborn[by])).toMatchObject({
        status: 404,
        body: { code: 'queue-not-found' },
      });
      const early = (await at(waiting[by])).body;
      expect(early).toMatchObject({
        name: queue,
        paused: false,
        settings: {},
        jobs: { waiting: 3, running: 0, completed: 0, dead: 0, cancelled: 0 },
        totals: { submitted: 3, started: 0 },
        oldestWaiting: { id: first },
        running: [],
        asOf: waiting,
      });
      expect(early.oldestWaiting.since).toBe((await api.get(`/v1/jobs/${first}`)).body.submittedAt);
      expect((await at(running[by])).body).toMatchObject({
        paused: true,
        settings: { concurrency: 3 },
        jobs: { waiting: 2, running: 1 },
        oldestWaiting: { id: jobs[1] },
        running: [{ id: first, type: 'x', attempt: 1, session }],
        asOf: running,
      });
      expect((await at(ended[by])).body).toMatchObject({
        paused: false,
        jobs: { waiting: 2, running: 0, completed: 1 },
        running: [],
      });
    }
    const since = (await at(running.position)).body.running[0].since;
    expect(since).toBe((await api.get(`/v1/jobs/${first}`)).body.startedAt);

    const names = async (moment: Mark) => {
      const { body } = await api.get(`/v1/queues?at=${moment.position}`);
      return body.data.map((each: { name: string }) => each.name);
    };
    expect(await names(unborn)).toContain('elsewhere');
    expect(await names(unborn)).not.toContain(queue);
    const { body } = await api.get(`/v1/queues?at=${running.time}`);
    expect(body.asOf).toEqual(running);
    const { running: _running, asOf: _asOf, ...listed } = (await at(running.time)).body;
    expect(body.data).toContainEqual(listed);
  });
});

describe('a moment that is none', () => {
  const paths = ['/v1/jobs', '/v1/queues', '/v1/queues/early', '/v1/stats'];

  it.each(paths)('is refused by %s as by a job', async (path) => {
    await submitOne(api.db, { queue: 'early' });
    const { position } = await mark();
    const codeOf = async (at: string) => {
      const { status, body } = await api.get(`${path}?at=${at}`);
      return [status, body.code];
    };
    expect(await codeOf('1990-01-01T00:00:00Z')).toEqual([400, 'moment-before-log']);
    expect(await codeOf('0')).toEqual([400, 'moment-before-log']);
    expect(await codeOf('2999-01-01T00:00:00Z')).toEqual([400, 'moment-in-future']);
    expect(await codeOf(String(BigInt(position) + 1n))).toEqual([400, 'moment-in-future']);
    expect(await codeOf('yesterday')).toEqual([400, 'invalid-request']);
  });
});

describe('a read model that does not know the moment', () => {
  const paths = ['/v1/jobs', '/v1/queues', '/v1/queues/behind'];

  it('is waited for, and then the answer is 503', async () => {
    await submitOne(api.db, { queue: 'behind' });
    await mark();
    await submitOne(api.db, { queue: 'behind' });
    await sequenceAll(api.db.database);
    const { rows } = await api.db.database.pool.query(
      `select position from ${api.db.schema}.log_head`,
    );
    const position = String(rows[0].position);
    for (const path of paths) {
      const { status, body } = await api.get(`${path}?at=${position}`);
      expect([status, body.code, body.retryable]).toEqual([503, 'projection-behind', true]);
    }
    // A list that asks before they have read it, by a clock on which its second does not pass.
    const still = await createTestApi({ clock: { ...systemClock, elapsedMs: () => 0 } });
    await submitOne(still.db);
    await sequenceAll(still.db.database);
    const waiting = still.get('/v1/jobs?at=1');
    for (const { name } of projections) {
      await applyLive(still.db.database, name, { after: 0n, upTo: 1n });
    }
    expect((await waiting).status).toBe(200);
    await still.close();
    await mark();
  });

  it('of an older version is not asked', async () => {
    const { position } = await mark();
    const setVersion = (version: number) =>
      api.db.database.pool.query(
        `update ${api.db.schema}.consumer_checkpoints set version = $1 where name = 'job-status'`,
        [version],
      );
    await setVersion(jobStatus.version - 1);
    for (const path of paths) {
      const { status, body } = await api.get(`${path}?at=${position}`);
      expect([status, body.code]).toEqual([503, 'projection-behind']);
      expect(body.detail).toContain('built anew');
    }
    await setVersion(jobStatus.version);
    expect((await api.get(`/v1/jobs?at=${position}`)).status).toBe(200);
  });
});
