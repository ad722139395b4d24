import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { endAttempts } from '../../../src/commands/work/end-attempts.ts';
import { claimOne, expire, lapse, load, story } from '../../support/job-steps.ts';
import { untilWaiting } from '../../support/postgres-activity.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
  await db.database.pool.query(`create table ${db.schema}.effects (job_id uuid)`);
});
afterAll(() => db.drop());

const effects = async (jobId: string) => {
  const { rowCount } = await db.database.pool.query(
    `select from ${db.schema}.effects where job_id = $1`,
    [jobId],
  );
  return rowCount;
};
const rejections = async (jobId: string) => {
  const { rows } = await db.database.pool.query<{ verb: string; code: string }>(
    `select verb, code from ${db.schema}.rejected_outcomes where job_id = $1 order by id`,
    [jobId],
  );
  return rows;
};
const cancel = (id: string) =>
  changeJobs(db.context, [{ id, command: { kind: 'cancel', reason: 'stop' } }]);

/** A job whose lease has lapsed. */
async function lostJob() {
  const job = await claimOne(db);
  await lapse(db, job.session);
  await expire(db);
  return job;
}

describe('a completion in a caller’s transaction', () => {
  const withEffect = async (job: { id: string; leaseToken: string }) => {
    const client = await db.connectCaller();
    await client.query('begin');
    await client.query('insert into effects values ($1)', [job.id]);
    return { client, run: () => completeJobs(db.context, [job], { client }) };
  };

  it('is there with the effects, or neither is', async () => {
    const kept = await claimOne(db);
    const { client, run } = await withEffect(kept);
    expect(await run()).toEqual([{ id: kept.id, outcome: 'recorded' }]);
    await client.query('commit');
    expect([await effects(kept.id), (await story(db, kept.id)).at(-1)]).toEqual([
      1,
      'JobCompleted',
    ]);

    const undone = await claimOne(db);
    const other = await withEffect(undone);
    await other.run();
    await other.client.query('rollback');
    expect([await effects(undone.id), (await story(db, undone.id)).at(-1)]).toEqual([
      0,
      'JobClaimed',
    ]);
  });

  it('with a stale token raises, so that COMMIT cannot keep the effects', async () => {
    const lost = await lostJob();
    const { client, run } = await withEffect(lost);
    await expect(run()).rejects.toMatchObject({ code: 'lease-lost' });
    const { command } = await client.query('commit');
    expect([command, await effects(lost.id)]).toEqual(['ROLLBACK', 0]);
    expect(await rejections(lost.id)).toHaveLength(1);
  });

  it('that is repeated raises as well', async () => {
    const job = await claimOne(db);
    await completeJobs(db.context, [job]);
    const { client, run } = await withEffect(job);
    await expect(run()).rejects.toMatchObject({ code: 'lease-lost' });
    expect((await client.query('commit')).command).toBe('ROLLBACK');
    expect(await effects(job.id)).toBe(0);
  });

  it('would let the effects commit if it only answered how many it recorded', async () => {
    const lost = await lostJob();
    const { client } = await withEffect(lost);
    const { rowCount } = await client.query(
      'delete from job_claims where id = $1 and lease_token = $2',
      [lost.id, lost.leaseToken],
    );
    expect(rowCount).toBe(0);
    await client.query('commit');
    expect(await effects(lost.id)).toBe(1);
  });
});

describe('a request to cancel', () => {
  it('between claim and completion does not lose the claim', async () => {
    const job = await claimOne(db);
    await cancel(job.id);
    expect(await completeJobs(db.context, [job])).toMatchObject([{ outcome: 'recorded' }]);
    expect((await story(db, job.id)).slice(-2)).toEqual(['JobCancelRequested', 'JobCompleted']);
  });

  it('that commits while the completion waits for it does not lose the claim either', async () => {
    const job = await claimOne(db);
    const client = await db.connectCaller();
    await client.query('begin');
    const command = { kind: 'cancel' as const, reason: null };
    await changeJobs(db.context, [{ id: job.id, command }], { client });
    const completing = completeJobs(db.context, [job]);
    await untilWaiting(db, 'daybook:complete-jobs');
    await client.query('commit');
    expect(await completing).toMatchObject([{ outcome: 'recorded' }]);
    expect((await load(db, job.id)).state.status).toBe('completed');
  });

  it('that commits while a completion in a transaction waits does not lose the claim', async () => {
    const job = await claimOne(db);
    const [canceller, worker] = [await db.connectCaller(), await db.connectCaller()];
    await canceller.query('begin');
    const command = { kind: 'cancel' as const, reason: null };
    await changeJobs(db.context, [{ id: job.id, command }], { client: canceller });
    await worker.query('begin');
    const completing = completeJobs(db.context, [job], { client: worker });
    await untilWaiting(db, 'daybook:complete-jobs');
    await canceller.query('commit');
    expect(await completing).toMatchObject([{ outcome: 'recorded' }]);
    await worker.query('commit');
    expect((await load(db, job.id)).state.status).toBe('completed');
  });
});

describe('a failure in a caller’s transaction', () => {
  it('whose lease is lost raises, so that the effects cannot be committed', async () => {
    const { id, leaseToken } = await lostJob();
    const client = await db.connectCaller();
    await client.query('begin');
    await client.query('insert into effects values ($1)', [id]);
    const command = { kind: 'release' as const, leaseToken };
    await expect(endAttempts(db.context, [{ id, command }], { client })).rejects.toMatchObject({
      code: 'lease-lost',
    });
    // Postgres answers a commit of a failed transaction with its rollback.
    await client.query('commit');
    expect(await effects(id)).toBe(0);
    expect(await rejections(id)).toEqual([{ verb: 'release', code: 'lease-lost' }]);
  });
});
