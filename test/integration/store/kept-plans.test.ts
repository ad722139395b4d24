import { expect, it } from 'vitest';
import type { Statement } from '../../../src/store/statement.ts';
import { completeJobs, completeUnlockedJobs } from '../../../src/store/statements/complete-jobs.ts';
import { readBodies } from '../../../src/store/statements/read-bodies.ts';
import { readJob } from '../../../src/store/statements/read-job.ts';
import { readStreams } from '../../../src/store/statements/read-streams.ts';
import { readToldBodies } from '../../../src/store/statements/read-told-bodies.ts';
import { createTestDatabase, newId } from '../../support/test-database.ts';

function asked<Params>(what: string, statement: Statement<Params, unknown>, params: Params) {
  const { name, sql, values } = statement;
  return { what, name, sql, values: values(params) };
}

const none = { result: null, resultHash: null, resultBytes: null };
const one = { result: '1', resultHash: '6b', resultBytes: 1 };
const completed = (jobs: number, result: typeof none | typeof one) => ({
  tenantId: 1,
  completions: Array.from({ length: jobs }, () => ({
    id: newId(),
    leaseToken: newId(),
    ...result,
  })),
  orRaise: false,
});
const jobIds = [newId()];

// Unless the number of jobs is hidden from the planner, it makes a plan for one anew each time.
it.each([
  asked('one job', completeJobs, completed(1, none)),
  asked('one job with a result', completeJobs, completed(1, one)),
  asked('500 jobs', completeJobs, completed(500, none)),
  asked('500 jobs with results', completeJobs, completed(500, one)),
  asked('one job', completeUnlockedJobs, completed(1, none)),
  asked('one job', readJob, { tenantId: 1, jobId: newId() }),
  asked('one job', readStreams, { tenantId: 1, jobIds }),
  asked('one job', readBodies, { tenantId: 1, jobIds }),
  asked('one job', readToldBodies, { jobIds }),
])('a plan for $name of $what is kept after five runs', async ({ name, sql, values }) => {
  const db = await createTestDatabase();
  const client = await db.connect();
  await client.query('set enable_seqscan = off');
  for (let run = 0; run < 6; run += 1) {
    await client.query({ name, text: sql(db.schema), values: [...values] });
  }
  const { rows } = await client.query(
    'select custom_plans::int, generic_plans::int from pg_prepared_statements',
  );
  expect(rows).toEqual([{ custom_plans: 5, generic_plans: 1 }]);
  await db.drop();
});
