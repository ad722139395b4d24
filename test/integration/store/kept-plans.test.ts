import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Statement } from '../../../src/store/statement.ts';
import { completeJobs, completeUnlockedJobs } from '../../../src/store/statements/complete-jobs.ts';
import { readBodies } from '../../../src/store/statements/read-bodies.ts';
import { readJob } from '../../../src/store/statements/read-job.ts';
import { readStreams } from '../../../src/store/statements/read-streams.ts';
import { readToldBodies } from '../../../src/store/statements/read-told-bodies.ts';
import { createTestDatabase, newId, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const none = { result: null, resultHash: null, resultBytes: null };
const one = { result: '1', resultHash: '6b', resultBytes: 1 };

const ids = (count: number) => Array.from({ length: count }, newId);
const of = (count: number, result: typeof none | typeof one) => ({
  tenantId: 1,
  orRaise: false,
  completions: ids(count).map((id) => ({ id, leaseToken: newId(), ...result })),
});

/** A statement, and what it is given. */
function given<Params, Row>(what: string, statement: Statement<Params, Row>, params: Params) {
  const { name, sql } = statement;
  return { what: `${name} ${what}`, name, sql, values: statement.values(params) };
}

it.each([
  given('of one', completeJobs, of(1, none)),
  given('of one with a result', completeJobs, of(1, one)),
  given('of 500', completeJobs, of(500, none)),
  given('of 500 with results', completeJobs, of(500, one)),
  given('of one', completeUnlockedJobs, of(1, none)),
  given('of one', readJob, { tenantId: 1, jobId: newId() }),
  given('of one', readStreams, { tenantId: 1, jobIds: ids(1) }),
  given('of 200', readStreams, { tenantId: 1, jobIds: ids(200) }),
  given('of one', readBodies, { tenantId: 1, jobIds: ids(1) }),
  given('of one', readToldBodies, { jobIds: ids(1) }),
])('after five times $what a plan is kept', async ({ name, sql, values }) => {
  const client = await db.connect();
  await client.query('set enable_seqscan = off');
  for (let run = 0; run < 6; run += 1) {
    await client.query({ name, text: sql(db.schema), values: [...values] });
  }
  const { rows } = await client.query(
    'select custom_plans::int, generic_plans::int from pg_prepared_statements',
  );
  expect(rows).toEqual([{ custom_plans: 5, generic_plans: 1 }]);
});
