import { afterAll, beforeAll, expect, it } from 'vitest';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { endAttempts } from '../../../src/commands/work/end-attempts.ts';
import { codeOf, sqlState } from '../../../src/store/sqlstate.ts';
import { expireClaims } from '../../../src/store/statements/expire-claims.ts';
import { claim, lapse, submitMany } from '../../support/job-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

const ROUNDS = 60;

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ poolSize: 20, sequencer: true });
});
afterAll(() => db.drop());

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

const deadlocks = async () => {
  const { rows } = await db.database.pool.query<{ deadlocks: string }>(
    'select deadlocks from pg_stat_database where datname = current_database()',
  );
  return rows[0]?.deadlocks;
};

it('batches over the same jobs, in any order, never lock each other out', async () => {
  const { context } = db;
  const codes = new Set<string | undefined>();
  for (let round = 0; round < ROUNDS; round += 1) {
    await submitMany(db, 120, { uniqueKey: undefined });
    const sessions = [await db.openSession(), await db.openSession()];
    const claimed = [
      ...(await claim(db, sessions[0] ?? '', { limit: 60 })),
      ...(await claim(db, sessions[1] ?? '', { suspects: true })),
      ...(await claim(db, sessions[1] ?? '', { limit: 60 })),
    ];
    const error = { name: 'E', message: 'm' };
    await lapse(db, ...sessions.slice(0, 1));
    const settled = await Promise.allSettled([
      completeJobs(context, shuffled(claimed)),
      completeJobs(context, shuffled(claimed)),
      endAttempts(
        context,
        shuffled(claimed).map(({ id, leaseToken }) => ({
          id,
          command: { kind: 'fail', leaseToken, retryable: Math.random() < 0.5, error, delayMs: 0 },
        })),
      ),
      endAttempts(
        context,
        shuffled(claimed).map(({ id, leaseToken }) => ({
          id,
          command: { kind: 'release', leaseToken },
        })),
      ),
      changeJobs(
        context,
        shuffled(claimed).map(({ id }) => ({ id, command: { kind: 'cancel', reason: null } })),
      ),
      changeJobs(
        context,
        shuffled(claimed).map(({ id }) => ({
          id,
          command: { kind: 'retry', reason: null, delayMs: 0 },
        })),
      ),
      db.database.run(expireClaims, { limit: 50 }),
      db.database.run(expireClaims, { limit: 50 }),
    ]);
    for (const each of settled) if (each.status === 'rejected') codes.add(codeOf(each.reason));
  }
  expect([...codes]).toEqual([]);
  expect(await deadlocks()).toBe('0');
});

it('rows locked in the order of the batch do lock each other out', async () => {
  const ids = (await submitMany(db, 2)).toSorted();
  const [first, second] = [await db.connect(), await db.connect()];
  const lock = (id: string | undefined) => [
    'select from job_claims where id = $1 for update',
    [id],
  ];
  await Promise.all([first, second].map((client) => client.query('begin')));
  await first.query(...(lock(ids[0]) as [string, unknown[]]));
  await second.query(...(lock(ids[1]) as [string, unknown[]]));
  const crossed = await Promise.allSettled([
    first.query(...(lock(ids[1]) as [string, unknown[]])),
    second.query(...(lock(ids[0]) as [string, unknown[]])),
  ]);
  const lost = crossed.filter((each) => each.status === 'rejected');
  expect(lost.map(({ reason }) => codeOf(reason))).toEqual([sqlState.deadlockDetected]);
  await Promise.all([first, second].map((client) => client.query('rollback')));
});
