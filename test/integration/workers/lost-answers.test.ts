import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob, openDaybook } from '../../../src/daybook.ts';
import { createFaultyPool, postgresError } from '../../support/faulty-pool.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).toReversed()) await close();
});

/** A pool of which the answer to the first claim that finds jobs gets lost on its way, after commit. */
function poolThatLosesAClaim(db: TestDatabase) {
  let losses = 0;
  const pool = createFaultyPool(db, async ({ name, run }) => {
    const answer = await run();
    if (losses > 0 || name !== 'claim-jobs' || answer.rows.length === 0) return answer;
    losses += 1;
    throw postgresError('ECONNRESET');
  });
  closings.push(() => pool.end());
  return { pool, losses: () => losses };
}

it('a claim whose answer was lost is given back by the session that holds it (R)', async () => {
  const db = await createTestDatabase();
  closings.push(() => db.drop());
  const { pool, losses } = poolThatLosesAClaim(db);
  const greet = defineJob({ type: 'greet', payload: z.unknown(), handler: () => 'hello' });
  const daybook = await openDaybook({ pool, jobs: [greet] });
  closings.push(() => daybook.close());
  const jobs = await daybook.submitMany([{ type: 'greet' }, { type: 'greet' }]);
  await daybook.worker({ pollMs: 20 }).start();
  for (const { id } of jobs) {
    const { result, state } = await daybook.waitFor(id);
    expect({ result, failures: state.failures }).toEqual({ result: 'hello', failures: 0 });
  }
  expect(losses()).toBe(1);
  expect((await daybook.history(jobs[0]?.id ?? '')).map(({ type }) => type)).toEqual([
    'JobSubmitted',
    'JobClaimed',
    'JobInterrupted',
    'JobClaimed',
    'JobCompleted',
  ]);
});
