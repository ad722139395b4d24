import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { beatSession } from '../../../src/store/statements/beat-session.ts';
import { markStart } from '../../../src/store/statements/mark-start.ts';
import {
  claim,
  claimOne,
  expire,
  lapse,
  load,
  story,
  submitMany,
} from '../../support/job-steps.ts';
import { untilWaiting } from '../../support/postgres-activity.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ poolSize: 20 });
});
afterAll(() => db.drop());

const sessionRow = async (id: string) => {
  const { rows } = await db.database.pool.query<{ ended: boolean; settled: boolean }>(
    `select ended_at is not null as ended, settled from ${db.schema}.worker_sessions where id = $1`,
    [id],
  );
  return rows[0];
};
const statusOf = async (id: string) => (await load(db, id)).state.status;

/** Claims a suspect, marks its start, and dies. */
async function crash(queue: string): Promise<void> {
  const session = await db.openSession();
  const [job] = await claim(db, session, { queue, suspects: true });
  if (job === undefined) throw new Error('There is no suspect to crash over.');
  await db.database.run(markStart, { tenantId: 1, jobId: job.id, leaseToken: job.leaseToken });
  await lapse(db, session);
  expect(await expire(db)).toBe(1);
}

describe('one beat for all jobs of a session', () => {
  it('keeps 99 jobs whose sibling is being completed in an open transaction', async () => {
    const queue = 'siblings';
    await submitMany(db, 100, { queue });
    const session = await db.openSession();
    const claimed = await claim(db, session, { queue });
    const client = await db.connectCaller();
    await client.query('begin');
    await completeJobs(db.context, claimed.slice(0, 1), { client });
    await lapse(db, session);
    expect(await db.database.run(beatSession, { tenantId: 1, session })).toHaveLength(1);
    expect(await expire(db)).toBe(0);
    await client.query('commit');
    const outcomes = await completeJobs(db.context, claimed.slice(1));
    expect(outcomes.filter(({ outcome }) => outcome === 'recorded')).toHaveLength(99);
  });

  it('would wait for that transaction if it were written on the claim rows', async () => {
    const { id, session } = await claimOne(db);
    const client = await db.connect();
    await client.query('begin');
    await client.query('select from job_claims where id = $1 for update', [id]);
    const beat = db.database.pool.query(
      `update ${db.schema}.job_claims set claimed_at = now() where session_id = $1`,
      [session],
    );
    await untilWaiting(db, 'set claimed_at = now()');
    await client.query('rollback');
    expect((await beat).rowCount).toBe(1);
  });
});

describe('the jobs of a lapsed session', () => {
  it('wait again as suspects, and only then is the session settled', async () => {
    const { id, session, queue } = await claimOne(db);
    await lapse(db, session);
    expect(await expire(db)).toBe(1);
    expect(await sessionRow(session)).toEqual({ ended: true, settled: false });
    expect((await load(db, id)).state).toMatchObject({
      status: 'waiting',
      suspect: true,
      crashes: 0,
    });
    expect(await expire(db)).toBe(0);
    expect(await sessionRow(session)).toEqual({ ended: true, settled: true });
    expect(await claim(db, await db.openSession(), { queue, suspects: true })).toHaveLength(1);
  });

  it('are all taken back, however few at a time', async () => {
    const queue = 'few';
    const ids = await submitMany(db, 25, { queue });
    const session = await db.openSession();
    await claim(db, session, { queue });
    await lapse(db, session);
    const rounds = [];
    for (let round = 0; round < 5; round += 1) rounds.push(await expire(db, 10));
    expect(rounds).toEqual([10, 10, 5, 0, 0]);
    expect(await sessionRow(session)).toMatchObject({ settled: true });
    expect(await Promise.all(ids.map((id) => statusOf(id)))).toEqual(ids.map(() => 'waiting'));
  });

  it('are left for the next round while an outcome is being written, and do not expire then', async () => {
    const job = await claimOne(db);
    const client = await db.connectCaller();
    await client.query('begin');
    await completeJobs(db.context, [job], { client });
    await lapse(db, job.session);
    expect([await expire(db), await expire(db)]).toEqual([0, 0]);
    expect(await sessionRow(job.session)).toEqual({ ended: true, settled: false });
    await client.query('commit');
    expect(await expire(db)).toBe(0);
    expect(await sessionRow(job.session)).toMatchObject({ settled: true });
    expect(await statusOf(job.id)).toBe('completed');
  });

  it('are taken back however many sessions before it wait for an outcome', async () => {
    const stuck = [];
    for (let session = 0; session < 25; session += 1) {
      const job = await claimOne(db);
      const client = await db.connect();
      await client.query('begin');
      await client.query('select from job_claims where id = $1 for update', [job.id]);
      stuck.push({ ...job, client });
    }
    const last = await claimOne(db);
    await lapse(db, last.session, ...stuck.map(({ session }) => session));
    for (let round = 0; round < 5; round += 1) await expire(db);
    const status = await statusOf(last.id);
    for (const { client } of stuck) await client.query('rollback');
    while ((await expire(db)) > 0);
    expect(status).toBe('waiting');
  });

  it('are cancelled where that was asked for', async () => {
    const { id, session } = await claimOne(db, { uniqueKey: 'cancelled' });
    const command = { kind: 'cancel' as const, reason: 'stop' };
    await changeJobs(db.context, [{ id, command }]);
    await lapse(db, session);
    expect(await expire(db)).toBe(1);
    expect((await story(db, id)).slice(-2)).toEqual(['JobInterrupted', 'JobCancelled']);
    expect((await load(db, id)).state.cancelReason).toBe('stop');
  });

  it('are dead at the fifth marked start, and not for starts that nobody marked', async () => {
    const { id, queue, session } = await claimOne(db);
    await lapse(db, session);
    await expire(db);
    const innocent = await db.openSession();
    expect(await claim(db, innocent, { queue, suspects: true })).toHaveLength(1);
    await lapse(db, innocent);
    await expire(db);
    for (let crashes = 1; crashes <= 4; crashes += 1) {
      await crash(queue);
      expect((await load(db, id)).state).toMatchObject({ status: 'waiting', crashes });
    }
    await crash(queue);
    expect((await load(db, id)).state).toMatchObject({
      status: 'dead',
      deadReason: 'crashes-its-worker',
    });
    const command = { kind: 'retry' as const, reason: null, delayMs: 0 };
    await changeJobs(db.context, [{ id, command }]);
    expect((await load(db, id)).state).toMatchObject({
      status: 'waiting',
      suspect: false,
      crashes: 0,
    });
  });

  it('kill no innocents: a batch of 500 with one guilty job', async () => {
    const queue = 'innocents';
    const ids = await submitMany(db, 500, { queue });
    for (let round = 0; round < 3; round += 1) {
      const session = await db.openSession();
      await claim(db, session, { queue, suspects: round > 0 });
      await lapse(db, session);
      await expire(db);
    }
    const { rows } = await db.database.pool.query(
      `select suspect, crashes, count(*)::int as count from ${db.schema}.job_claims
       where id = any ($1) group by 1, 2`,
      [ids],
    );
    expect(rows).toEqual([{ suspect: true, crashes: 0, count: 500 }]);
  });
});
