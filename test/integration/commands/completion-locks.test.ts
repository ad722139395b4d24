import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { claimOne, load } from '../../support/job-steps.ts';
import { untilWaiting } from '../../support/postgres-activity.ts';
import { createTestDatabase, newId, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const statusOf = async (id: string) => (await load(db, id)).state.status;

/** A transaction that holds the claim rows of jobs. */
async function holding(...ids: readonly string[]) {
  const holder = await db.connect();
  await holder.query('begin');
  await holder.query('select from job_claims where id = any ($1) for update', [ids]);
  return holder;
}

describe('a completion', () => {
  it('whose lease token changes while it waits for the row is not recorded', async () => {
    const [first, lost, last] = [await claimOne(db), await claimOne(db), await claimOne(db)];
    const holder = await holding(lost.id);
    const completing = completeJobs(db.context, [first, lost, last]);
    await untilWaiting(db, 'daybook:complete-jobs');
    const changed = 'update job_claims set lease_token = $2 where id = $1';
    await holder.query(changed, [lost.id, newId()]);
    await holder.query('commit');
    // The log knows nothing of that change, so that the lease seems to hold, but never the row.
    await expect(completing).rejects.toMatchObject({
      code: 'concurrent-change',
      facts: { jobId: lost.id },
    });
    expect(await Promise.all([first, lost, last].map(({ id }) => statusOf(id)))).toEqual([
      'completed',
      'running',
      'completed',
    ]);
    await db.database.pool.query(
      `update ${db.schema}.job_claims set lease_token = $2 where id = $1`,
      [lost.id, lost.leaseToken],
    );
    expect(await completeJobs(db.context, [lost])).toMatchObject([{ outcome: 'recorded' }]);
  });

  it('whose job waits again while it waits for the row is not recorded', async () => {
    const job = await claimOne(db);
    const holder = await holding(job.id);
    const completing = completeJobs(db.context, [job]);
    await untilWaiting(db, 'daybook:complete-jobs');
    await holder.query('update job_claims set lease_token = null where id = $1', [job.id]);
    await holder.query('commit');
    await expect(completing).rejects.toMatchObject({ code: 'concurrent-change' });
    expect(await statusOf(job.id)).toBe('running');
  });

  it('with a stale token does not wait for whoever holds the row', async () => {
    const [job, other] = [await claimOne(db), await claimOne(db)];
    const holder = await holding(job.id);
    const caller = await db.connectCaller();
    await caller.query("begin; set local lock_timeout = '10ms'");
    const stale = completeJobs(db.context, [other, { ...job, leaseToken: newId() }], {
      client: caller,
    });
    await expect(stale).rejects.toMatchObject({ code: 'lease-lost' });
    await Promise.all([caller.query('rollback'), holder.query('rollback')]);
  });

  it('needs the token of its own job, not of another one of the batch', async () => {
    const [one, other] = [await claimOne(db), await claimOne(db)];
    const outcomes = await completeJobs(db.context, [
      { id: one.id, leaseToken: other.leaseToken },
      { id: other.id, leaseToken: one.leaseToken },
    ]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['lease-lost', 'lease-lost']);
    expect(await statusOf(one.id)).toBe('running');
  });

  it('of a job that nobody has claimed is not recorded, whatever its token', async () => {
    const job = await claimOne(db);
    await db.database.pool.query(
      `update ${db.schema}.job_claims set lease_token = null where id = $1`,
      [job.id],
    );
    const leaseToken = '00000000-0000-0000-0000-000000000000';
    expect(await completeJobs(db.context, [{ id: job.id, leaseToken }])).toEqual([
      { id: job.id, outcome: 'lease-lost' },
    ]);
  });
});
