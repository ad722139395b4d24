import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type pg from 'pg';
import { z } from 'zod';
import { type Daybook, defineJob, openDaybook } from '../../src/daybook.ts';
import { examine } from '../../src/doctor/doctor.ts';
import { type Clock, systemClock } from '../../src/kernel/clock.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { beatSession } from '../../src/store/statements/beat-session.ts';
import { migrate } from '../../src/store/migrate.ts';
import { expectSoon } from '../support/expect-soon.ts';
import { backendOf } from '../support/postgres-activity.ts';
import { poolerProgram, startPooler, type TestPooler } from '../support/pooler.ts';
import { serverAddress, sharedVersion } from '../support/postgres-servers.ts';
import { hasTools } from '../support/system-tool.ts';
import { createTestDatabase, newId, type TestDatabase } from '../support/test-database.ts';
import { withClient } from '../support/template-database.ts';
import { notingConsumer, readNoted } from './consumers/consumer-steps.ts';

/** Five seconds are over after one. */
const hasty = {
  ...systemClock,
  after: (ms: number, callback: () => void) => systemClock.after(ms / 5, callback),
};
/** Fewer than the processes of these tests open, so that they are shared. */
const SERVER_CONNECTIONS = 4;

// A part of what `npm run test:pooler` runs as a whole.
describe.runIf(hasTools(poolerProgram() ?? 'pgbouncer'))('through a transaction pooler', () => {
  let pooler: TestPooler;
  let db: TestDatabase;
  let daybook: Daybook;
  let client: pg.Client;
  const open = (options = {}) =>
    openDaybook({
      connectionString: db.connectionString,
      directConnectionString: db.directConnectionString,
      jobs: [double, effect, slow],
      ...options,
    });

  const double = defineJob({
    type: 'double',
    payload: z.object({ n: z.number() }),
    handler: ({ n }) => ({ n: n * 2 }),
  });
  const effect = defineJob({
    type: 'effect',
    payload: z.object({ commit: z.boolean() }),
    maxAttempts: 1,
    handler: async ({ commit }, { job, completeIn }) => {
      await client.query('begin');
      await client.query('insert into effects (job_id) values ($1)', [job.id]);
      await completeIn(client);
      await client.query(commit ? 'commit' : 'rollback');
    },
  });
  let letGo: () => void;
  const slow = defineJob({
    type: 'slow',
    payload: z.unknown(),
    handler: () =>
      new Promise<void>((resolve) => {
        letGo = resolve;
      }),
  });

  beforeAll(async () => {
    pooler = await startPooler(await serverAddress(sharedVersion()), SERVER_CONNECTIONS);
    db = await createTestDatabase({ pooler });
    client = await db.connectCaller();
    await client.query('create table effects (job_id uuid)');
    daybook = await open({ consumers: [notingConsumer()] });
    await daybook.worker({ concurrency: 4, pollMs: 50 }).start();
  });
  afterAll(async () => {
    await daybook?.close();
    await db?.drop();
    await pooler?.stop();
  });

  const effectsOf = async (id: string) =>
    (await db.database.pool.query(`select from ${db.schema}.effects where job_id = $1`, [id]))
      .rowCount;

  it('is how these tests reach the server', async () => {
    // PgBouncer tells its clients numbers of its own.
    const { processID } = client as pg.Client & { processID: number };
    expect(await backendOf(client)).not.toBe(processID);
  });

  it('migrates, and leaves neither a lock nor a setting behind', async () => {
    const { connectionString } = db;
    const done = await migrate({ connection: { connectionString }, schema: 'pooled' });
    expect(done.length).toBeGreaterThan(3);
    expect(await migrate({ connection: { connectionString }, schema: 'pooled' })).toEqual([]);
    const left = await withClient(db.directConnectionString, async (direct) => {
      const { rows } = await direct.query(
        "select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
      );
      return rows.length;
    });
    expect(left).toBe(0);
    // More than there are server connections, so that each of them is asked.
    const settings = await Promise.all(
      Array.from({ length: 3 * SERVER_CONNECTIONS }, () =>
        db.database.pool.query<{ path: string; lock: string }>(
          "select current_setting('search_path') as path, current_setting('lock_timeout') as lock, pg_sleep(0.1)",
        ),
      ),
    );
    const found = new Set(settings.map(({ rows: [row] }) => `${row?.path} ${row?.lock}`));
    expect([...found]).toEqual(['daybook 0']);
  });

  it('submits, claims and completes; lists and consumers of one’s own catch up', async () => {
    const jobs = await daybook.submitMany(
      Array.from({ length: 60 }, (_, n) => ({ type: 'double', payload: { n } })),
    );
    const results = await Promise.all(jobs.map(({ id }) => daybook.waitFor(id)));
    expect(results.map(({ result }) => result)).toEqual(jobs.map((_, n) => ({ n: n * 2 })));
    expect(await daybook.history(jobs[0]?.id ?? '')).toHaveLength(3);
    await expectSoon(async () => (await readNoted(db)).length).toBeGreaterThanOrEqual(180);
    expect(await daybook.verify()).toMatchObject({ equal: true });
  });

  it('completes and submits in transactions of the caller’s client', async () => {
    for (const [commit, phase, count] of [
      [true, 'completed', 1],
      [false, 'dead', 0],
    ] as const) {
      const { id } = await daybook.submit({ type: 'effect', payload: { commit } });
      expect((await daybook.waitFor(id)).phase).toBe(phase);
      expect(await effectsOf(id)).toBe(count);
    }
    await client.query('begin');
    const lost = await daybook.submit({ type: 'later', queue: 'other' }, { client });
    expect(await daybook.get(lost.id)).toBeNull();
    await client.query('rollback');
    await client.query('begin');
    const keyed = { type: 'later', queue: 'other', uniqueKey: 'one' };
    const kept = await daybook.submit(keyed, { client });
    await expect(daybook.submit(keyed, { client })).rejects.toMatchObject({
      code: 'unique-key-held',
    });
    await client.query('commit');
    expect([await daybook.get(lost.id), (await daybook.get(kept.id))?.phase]).toEqual([
      null,
      'ready',
    ]);
  });

  it('does not wait for ever where callers hold all connections to the server', async () => {
    const other = await open({ maintain: false, clock: hasty });
    const callers = await Promise.all(
      Array.from({ length: SERVER_CONNECTIONS }, () => db.connectCaller()),
    );
    for (const caller of callers) await caller.query('begin');
    const [first] = callers;
    await expect(
      other.submit({ type: 'new', queue: 'new' }, { client: first }),
    ).rejects.toMatchObject({ code: 'pool-exhausted' });
    for (const caller of callers) await caller.query('rollback');
    // Its second for a connection may be short now.
    const { id } = await vi.waitFor(() => other.submit({ type: 'new', queue: 'new' }));
    expect((await daybook.get(id))?.phase).toBe('ready');
    await other.close();
  });

  it('wakes the workers of other processes: LISTEN goes to the server itself', async () => {
    const other = await open({ maintain: false });
    await other.worker({ queues: ['woken'], pollMs: 60_000 }).start();
    // Found by the first look at the queue, and by a hint after that.
    for (let n = 0; n < 3; n += 1) {
      const { id } = await daybook.submit({ type: 'double', queue: 'woken', payload: { n } });
      expect((await daybook.waitFor(id)).result).toEqual({ n: n * 2 });
    }
    await other.close();
  });

  it('works by polling where LISTEN goes through it, too', async () => {
    const { connectionString } = db;
    const other = await open({ directConnectionString: connectionString, maintain: false });
    await other.worker({ queues: ['polled'], pollMs: 50 }).start();
    const { id } = await other.submit({ type: 'double', queue: 'polled', payload: { n: 1 } });
    expect((await other.waitFor(id)).result).toEqual({ n: 2 });
    await other.close();
  });

  it('is told by doctor where hints do not arrive', async () => {
    const { context } = daybook;
    // Three seconds are over after 300 ms.
    const clock = { ...systemClock, elapsedMs: () => systemClock.elapsedMs() * 10 };
    const wakeUp = async (direct: Database, by: Clock) => {
      const { findings } = await examine(context.database, { version: '1', direct, clock: by });
      return findings.filter(({ check }) => check === 'wake-up').map(({ level }) => level);
    };
    expect(await wakeUp(context.database, clock)).toEqual(['risky']);
    const { observer } = context;
    const connectionString = db.directConnectionString;
    const direct = openDatabase({ connectionString, schema: 'daybook', poolSize: 2, observer });
    expect(await wakeUp(direct, systemClock)).toEqual(['fine']);
    await direct.close();
  });

  it('keeps the session of a worker alive', async () => {
    const other = await open({ maintain: false });
    await other
      .worker({ queues: ['slow'], name: 'beating', leaseMs: 3_000, beatMs: 100, pollMs: 50 })
      .start();
    const { id } = await other.submit({ type: 'slow', queue: 'slow' });
    const lasted = async () => {
      const { rows } = await db.database.pool.query<{ ms: number }>(
        `select extract(epoch from last_beat_at - started_at)::float8 * 1000 as ms
         from ${db.schema}.worker_sessions where name = 'beating'`,
      );
      return rows[0]?.ms;
    };
    await expectSoon(lasted).toBeGreaterThan(3_500);
    letGo();
    const { state } = await other.waitFor(id);
    expect(state).toMatchObject({ status: 'completed', crashes: 0 });
    await other.close();
  });

  it('is noticed: nothing is prepared, and nothing set for those who come after', async () => {
    const { connectionString } = db;
    const { observer } = db.context;
    const options = { schema: 'daybook', poolSize: 1, observer, prepare: 'if-direct' as const };
    const pooled = openDatabase({ ...options, connectionString });
    const direct = openDatabase({ ...options, connectionString: db.directConnectionString });
    for (const database of [pooled, direct]) {
      // Unknown before the first one is connected.
      for (let n = 0; n < 3; n += 1)
        await database.run(beatSession, { tenantId: 1, session: newId() });
    }
    const left =
      "select (select count(*)::int from pg_prepared_statements) as prepared, current_setting('enable_seqscan') as seqscan";
    expect((await direct.pool.query(left)).rows).toEqual([{ prepared: 1, seqscan: 'off' }]);
    await direct.close();
    await pooled.close();
    const asked = await Promise.all(
      Array.from({ length: 3 * SERVER_CONNECTIONS }, () =>
        db.database.pool.query<{ prepared: number; seqscan: string }>(`${left}, pg_sleep(0.1)`),
      ),
    );
    const found = asked.map(({ rows: [row] }) => `${row?.prepared} ${row?.seqscan}`);
    expect([...new Set(found)]).toEqual(['0 on']);
  });
});
