import { afterEach, beforeEach, expect, it } from 'vitest';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { readSchema } from '../../../src/doctor/schema/schema-description.ts';
import { rebuildClaims } from '../../../src/verify/rebuild/rebuild-claims.ts';
import { claim, expire, lapse, load, submitOne } from '../../support/job-steps.ts';
import { createKnownHistory, type KnownHistory } from './known-history.ts';

let history: KnownHistory;
beforeEach(async () => {
  history = await createKnownHistory();
});
afterEach(() => history.db.drop());

async function storedRows(): Promise<unknown[]> {
  const { rows } = await history.tamper(
    `select to_jsonb(c) as row from job_claims c union all select to_jsonb(d) from dead_jobs d
     order by row`,
  );
  return rows;
}

it.each(['truncate job_claims, dead_jobs', 'drop table job_claims, dead_jobs'])(
  'makes the same rows anew after %s',
  async (disaster) => {
    const before = await storedRows();
    const schema = await readSchema(history.db.database, []);
    expect(before).toHaveLength(3);
    await history.tamper(disaster);
    expect(await rebuildClaims(history.db.database)).toEqual({
      events: 14,
      claims: 2,
      dead: 1,
      unreadable: [],
      keyless: [],
    });
    expect(await storedRows()).toEqual(before);
    expect(await readSchema(history.db.database, [])).toEqual(schema);
    expect(await history.differences()).toEqual([]);
    const { rows } = await history.tamper("select from pg_namespace where nspname like '%beside%'");
    expect(rows).toEqual([]);
  },
);

it('mends what was changed, and takes away what should not be there', async () => {
  const { db, jobs } = history;
  await history.tamper('update job_claims set priority = 9, failures = 1');
  await history.tamper('update job_claims set id = $1 where id = $2', [
    'fffffff0-0000-7000-8000-000000000000',
    jobs.waiting,
  ]);
  expect(await history.differences()).not.toEqual([]);
  await rebuildClaims(db.database);
  expect(await history.differences()).toEqual([]);
});

it('reads what is still in the inbox', async () => {
  const { db } = history;
  const id = await submitOne(db, { queue: 'other' });
  await history.tamper('truncate job_claims');
  await rebuildClaims(db.database);
  expect(await history.differences()).toEqual([]);
  const claimed = await claim(db, await db.openSession(), { queue: 'other' });
  expect(claimed.map((job) => job.id)).toEqual([id]);
});

it('lets a claim of before be completed', async () => {
  const { db, jobs } = history;
  const { state } = await load(db, jobs.running);
  await history.tamper('drop table job_claims, dead_jobs');
  await rebuildClaims(db.database);
  const leaseToken = state.lease?.token ?? '';
  const outcomes = await completeJobs(db.context, [{ id: jobs.running, leaseToken, result: null }]);
  expect(outcomes).toMatchObject([{ outcome: 'recorded' }]);
  expect(await history.differences()).toEqual([]);
});

it.each(['settled', 'forgotten'])('gives a claim back whose session was %s', async (how) => {
  const { db, jobs } = history;
  const { state } = await load(db, jobs.running);
  await history.tamper('truncate job_claims');
  await lapse(db, state.lease?.session ?? '');
  // Once to end the session, once to settle it: it seems to hold nothing.
  expect([await expire(db), await expire(db)]).toEqual([0, 0]);
  const { rows } = await history.tamper('select settled from worker_sessions');
  expect(rows).toEqual([{ settled: true }]);
  if (how === 'forgotten') await history.tamper('delete from worker_sessions');
  await rebuildClaims(db.database);
  expect(await expire(db)).toBe(1);
  expect((await load(db, jobs.running)).state).toMatchObject({ status: 'waiting', suspect: true });
  expect(await history.differences()).toEqual([]);
});

it('says which job lost its unique key to another one', async () => {
  const { db, jobs } = history;
  await history.tamper('truncate job_claims');
  const id = await submitOne(db, { queue: 'other', uniqueKey: 'only' });
  const { keyless, claims } = await rebuildClaims(db.database);
  expect({ keyless, claims }).toEqual({ keyless: [{ id, key: 'only' }], claims: 3 });
  expect(await history.differences()).toEqual([
    {
      kind: 'column-differs',
      table: 'job_claims',
      key: id,
      column: 'unique_key',
      expected: 'only',
    },
  ]);
  expect(jobs.waiting < id).toBe(true);
});

it('hands a key over that a row had which should not have it', async () => {
  const { db, jobs } = history;
  await history.tamper('update job_claims set unique_key = null');
  await history.tamper("update job_claims set unique_key = 'only' where id = $1", [jobs.running]);
  expect((await rebuildClaims(db.database)).keyless).toEqual([]);
  expect(await history.differences()).toEqual([]);
});

it('leaves the rows of a stream that cannot be folded as they are', async () => {
  const { db, jobs } = history;
  await history.tamper('update events set version = 9 where stream_id = $1 and version = 2', [
    jobs.running,
  ]);
  const before = await storedRows();
  expect(await rebuildClaims(db.database)).toMatchObject({ unreadable: [jobs.running], claims: 1 });
  expect(await storedRows()).toEqual(before);
});

it('waits no longer than it is told for those who hold jobs', async () => {
  const { db, jobs } = history;
  const other = await db.connect();
  await other.query('begin');
  await other.query('update job_claims set priority = 1 where id = $1', [jobs.waiting]);
  await history.tamper('delete from dead_jobs');
  await expect(rebuildClaims(db.database, { lockTimeoutMs: 100 })).rejects.toMatchObject({
    code: 'claims-busy',
    message: expect.stringContaining('nothing was changed'),
  });
  await other.query('rollback');
  expect((await history.differences()).map(({ table }) => table)).toEqual(['dead_jobs']);
  await rebuildClaims(db.database);
  expect(await history.differences()).toEqual([]);
});
