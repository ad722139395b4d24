import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { endAttempts } from '../../../src/commands/work/end-attempts.ts';
import type { Statement } from '../../../src/store/statement.ts';
import { completeJobs as completeStatement } from '../../../src/store/statements/complete-jobs.ts';
import { recordRejections } from '../../../src/store/statements/record-rejections.ts';
import { claim, claimOne, expire, lapse, load, story } from '../../support/job-steps.ts';
import { createTestDatabase, newId, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const rejections = async (jobId: string) => {
  const { rows } = await db.database.pool.query<{ verb: string; code: string }>(
    `select verb, code from ${db.schema}.rejected_outcomes where job_id = $1 order by id`,
    [jobId],
  );
  return rows;
};
/** A job that its first worker has lost to a second one. */
async function lostJob() {
  const first = await claimOne(db);
  await lapse(db, first.session);
  await expire(db);
  const session = await db.openSession();
  const [second] = await claim(db, session, { queue: first.queue, suspects: true });
  if (second === undefined) throw new Error('The job is not there for the second worker.');
  return { first, second };
}

describe('a lease that holds', () => {
  it('is never said to be lost because others keep changing the job', async () => {
    const [one, other] = [await claimOne(db), await claimOne(db)];
    const database = {
      ...db.database,
      /** Each time the row of the one has just been changed, so that the statement leaves it. */
      run<Params, Row>(statement: Statement<Params, Row>, params: Params): Promise<Row[]> {
        if (statement.name !== completeStatement.name) return db.database.run(statement, params);
        const { completions } = params as { completions: readonly { id: string }[] };
        const rest = completions.filter(({ id }) => id !== one.id);
        return db.database.run(statement, { ...params, completions: rest });
      },
    };
    const context = { ...db.context, database };
    await expect(completeJobs(context, [one, other])).rejects.toMatchObject({
      code: 'concurrent-change',
      facts: { jobId: one.id },
    });
    expect(await rejections(one.id)).toEqual([]);
    expect((await load(db, other.id)).state.status).toBe('completed');
    expect(await completeJobs(db.context, [one, other])).toEqual([
      { id: one.id, outcome: 'recorded' },
      { id: other.id, outcome: 'already-recorded' },
    ]);
  });
});

describe('a stale lease token', () => {
  it('completes nothing, and is written down', async () => {
    const { first, second } = await lostJob();
    const other = await claimOne(db);
    const outcomes = await completeJobs(db.context, [{ ...first, result: 'stale' }, other]);
    expect(outcomes).toEqual([
      { id: first.id, outcome: 'lease-lost' },
      { id: other.id, outcome: 'recorded' },
    ]);
    expect(await rejections(first.id)).toEqual([{ verb: 'complete', code: 'lease-lost' }]);
    expect((await load(db, first.id)).state.status).toBe('running');
    expect(await completeJobs(db.context, [second])).toMatchObject([{ outcome: 'recorded' }]);
  });

  it.each([
    { kind: 'fail', retryable: true, error: { name: 'E', message: 'm' } },
    { kind: 'snooze', delayMs: 0 },
    { kind: 'release' },
  ] as const)('does not $kind, and is written down', async (end) => {
    const { first } = await lostJob();
    const command = { ...end, leaseToken: first.leaseToken };
    const [outcome] = await endAttempts(db.context, [{ id: first.id, command }]);
    expect(outcome?.rejection?.code).toBe('lease-lost');
    expect(await rejections(first.id)).toEqual([{ verb: end.kind, code: 'lease-lost' }]);
    expect((await load(db, first.id)).state.status).toBe('running');
  });

  it('is kept among 10,000 at most', async () => {
    const some = { leaseToken: newId(), verb: 'complete', code: 'lease-lost' };
    const rows = Array.from({ length: 6_000 }, () => ({ ...some, jobId: newId() }));
    await db.database.run(recordRejections, { rejections: rows });
    await db.database.run(recordRejections, { rejections: rows });
    await db.database.run(recordRejections, { rejections: rows.slice(0, 1) });
    const { rows: kept } = await db.database.pool.query(
      `select count(*)::int as count, max(id) - min(id) as span from ${db.schema}.rejected_outcomes`,
    );
    expect(kept).toEqual([{ count: 10_000, span: '9999' }]);
  });
});

describe('a completion that is repeated', () => {
  it('answers that it is recorded already, and changes nothing', async () => {
    const job = await claimOne(db);
    expect(await completeJobs(db.context, [{ ...job, result: 1 }])).toMatchObject([
      { outcome: 'recorded' },
    ]);
    expect(await completeJobs(db.context, [{ ...job, result: 2 }])).toMatchObject([
      { outcome: 'already-recorded' },
    ]);
    expect(await story(db, job.id)).toEqual(['JobSubmitted', 'JobClaimed', 'JobCompleted']);
    expect(await rejections(job.id)).toEqual([]);
    const { rows } = await db.database.pool.query(
      `select result from ${db.schema}.job_payloads where job_id = $1`,
      [job.id],
    );
    expect(rows).toEqual([{ result: 1 }]);
  });
});
