import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { endAttempts } from '../../../src/commands/work/end-attempts.ts';
import { claimOne, load, story } from '../../support/job-steps.ts';
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
describe('a completion that stands twice in a batch', () => {
  it.each([
    ['with its own token', (token: string) => token, 'already-recorded'],
    ['with a stale one', () => newId(), 'lease-lost'],
  ])('within one batch, %s, is recorded once', async (_, tokenOf) => {
    const job = await claimOne(db);
    const twin = { id: job.id, leaseToken: tokenOf(job.leaseToken), result: 'twin' };
    await completeJobs(db.context, [job, twin]);
    expect(await story(db, job.id)).toEqual(['JobSubmitted', 'JobClaimed', 'JobCompleted']);
  });

  it('names the job in upper case is recorded, too', async () => {
    const job = await claimOne(db);
    const id = job.id.toUpperCase();
    expect(await completeJobs(db.context, [{ ...job, id }])).toEqual([{ id, outcome: 'recorded' }]);
    expect(await rejections(job.id)).toEqual([]);
  });
});

describe('an outcome that is no outcome of any job', () => {
  it('leaves the others of its batch alone', async () => {
    const job = await claimOne(db);
    const outcomes = await completeJobs(db.context, [
      { id: 'nonsense', leaseToken: job.leaseToken },
      { id: newId(), leaseToken: 'nonsense' },
      job,
    ]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([
      'lease-lost',
      'lease-lost',
      'recorded',
    ]);
  });

  it('is refused where it fails an attempt', async () => {
    const command = { kind: 'release' as const, leaseToken: newId() };
    const [outcome] = await endAttempts(db.context, [{ id: 'nonsense', command }]);
    expect(outcome?.rejection?.code).toBe('job-not-found');
  });
});

describe('a change of one job that stands twice in a batch', () => {
  it('is made once, or one after the other, and never at the same version', async () => {
    const job = await claimOne(db);
    const command = { kind: 'release' as const, leaseToken: job.leaseToken };
    await endAttempts(db.context, [
      { id: job.id, command },
      { id: job.id, command: { ...command, kind: 'snooze', delayMs: 0 } },
    ]).catch(() => undefined);
    const { events } = await load(db, job.id);
    expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
  });
});
