import { afterAll, beforeAll, expect, it } from 'vitest';
import { fromTheFront } from '../../../src/commands/work/claim-jobs.ts';
import { claimJobs } from '../../../src/store/statements/claim-jobs.ts';
import { completeJobs } from '../../../src/store/statements/complete-jobs.ts';
import { endSession } from '../../../src/store/statements/end-session.ts';
import { markStart } from '../../../src/store/statements/mark-start.ts';
import { claimOne, submitOne } from '../../support/job-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
  await db.database.pool.query(`insert into ${db.schema}.tenants (id, name) values (2, 'other')`);
});
afterAll(() => db.drop());

const ours = 1;
const theirs = 2;

it('a job is completed, and its start marked, only for its own tenant', async () => {
  const { id, leaseToken } = await claimOne(db);
  const completions = [{ id, leaseToken, result: null, resultHash: null, resultBytes: null }];
  const mark = (tenantId: number) =>
    db.database.run(markStart, { tenantId, jobId: id, leaseToken });
  const complete = (tenantId: number) =>
    db.database.run(completeJobs, { tenantId, completions, orRaise: false });
  expect(await mark(theirs)).toEqual([]);
  expect(await complete(theirs)).toMatchObject([{ recorded: [] }]);
  expect(await mark(ours)).toEqual([{ id }]);
  expect(await complete(ours)).toMatchObject([{ recorded: [id] }]);
});

it('jobs are claimed only for the tenant of their queue and of the session', async () => {
  const id = await submitOne(db, { queue: 'ours' });
  const queueId = await db.context.names.queueId('ours');
  const claim = (tenantId: number, session: string) =>
    db.database.run(claimJobs, {
      tenantId,
      queueId,
      session,
      suspects: false,
      limit: 10,
      maxBytes: 1_000,
      cursorsMs: fromTheFront,
    });
  const [mine, foreign] = [await db.openSession(), await db.openSession({ tenantId: theirs })];
  expect(await claim(theirs, mine)).toEqual([]);
  expect(await claim(ours, foreign)).toEqual([]);
  expect(await claim(theirs, foreign)).toEqual([]);
  expect(await claim(ours, mine)).toMatchObject([{ id }]);
});

it('a session is ended only for its own tenant', async () => {
  const session = await db.openSession();
  expect(await db.database.run(endSession, { tenantId: theirs, session })).toEqual([]);
  expect(await db.database.run(endSession, { tenantId: ours, session })).toEqual([{ id: session }]);
});
