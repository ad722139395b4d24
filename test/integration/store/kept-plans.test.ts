import { expect, it } from 'vitest';
import { completeJobs, completeUnlockedJobs } from '../../../src/store/statements/complete-jobs.ts';
import { createTestDatabase, newId } from '../../support/test-database.ts';

const none = { result: null, resultHash: null, resultBytes: null };
const one = { result: '1', resultHash: '6b', resultBytes: 1 };

it.each([
  { statement: completeJobs, jobs: 1, result: none },
  { statement: completeJobs, jobs: 1, result: one },
  { statement: completeJobs, jobs: 500, result: none },
  { statement: completeJobs, jobs: 500, result: one },
  { statement: completeUnlockedJobs, jobs: 1, result: none },
])('a plan for $statement.name is kept after five of $jobs', async (each) => {
  const { statement, jobs, result } = each;
  const db = await createTestDatabase();
  const client = await db.connect();
  await client.query('set enable_seqscan = off');
  const completions = Array.from({ length: jobs }, () => ({
    id: newId(),
    leaseToken: newId(),
    ...result,
  }));
  const { name, sql } = statement;
  const values = [...statement.values({ tenantId: 1, completions, orRaise: false })];
  for (let run = 0; run < 6; run += 1) {
    await client.query({ name, text: sql(db.schema), values: [...values] });
  }
  const { rows } = await client.query(
    'select custom_plans::int, generic_plans::int from pg_prepared_statements',
  );
  expect(rows).toEqual([{ custom_plans: 5, generic_plans: 1 }]);
  await db.drop();
});
