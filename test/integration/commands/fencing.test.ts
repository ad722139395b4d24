import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { endAttempts } from '../../../src/commands/work/end-attempts.ts';
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
