import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { endAttempts } from '../../../src/commands/work/end-attempts.ts';
import type { Queryable } from '../../../src/store/database.ts';
import { codeOf, sqlState } from '../../../src/store/sqlstate.ts';
import { expireClaims } from '../../../src/store/statements/expire-claims.ts';
import { claim, lapse, submitMany } from '../../support/job-steps.ts';
import { untilWaiting } from '../../support/postgres-activity.ts';
import { createTestDatabase, newId, type TestDatabase } from '../../support/test-database.ts';

const ROUNDS = 30;

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ poolSize: 20, sequencer: true });
});
afterAll(() => db.drop());

/** Claims a few jobs for a session of their own. */
async function claimSome() {
  const queue = `some-${newId()}`;
  await submitMany(db, 21, { queue });
  return claim(db, await db.openSession(), { queue });
}

/** The same, in rows that do not lie in the order of their ids: each claim writes its row anew. */
async function claimOutOfOrder() {
  const queue = `some-${newId()}`;
  for (let priority = 9; priority > 2; priority -= 1) await submitMany(db, 3, { queue, priority });
  const session = await db.openSession();
  const jobs = [];
  for (let left = 7; left > 0; left -= 1) {
    jobs.push(...(await claim(db, session, { queue, limit: 3 })));
  }
  return jobs;
}

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
    await submitMany(db, 120);
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

describe('rows are locked in the order of their ids', () => {
  /** Runs `work`, held up at the middle one of the rows; tells which it has not locked by then. */
  async function notLocked(table: string, ids: readonly string[], work: () => Promise<unknown>) {
    const key = table === 'job_claims' ? 'id' : 'job_id';
    const inOrder = ids.toSorted();
    const middle = Math.floor(ids.length / 2);
    const [holder, looker] = [await db.connect(), await db.connect()];
    await holder.query('begin');
    await holder.query(`select from ${table} where ${key} = $1 for update`, [inOrder[middle]]);
    const running = work();
    await untilWaiting(db, '');
    const { rows } = await looker.query<{ id: string }>(
      `select ${key} as id from ${table} where ${key} = any ($1) for update skip locked`,
      [ids],
    );
    await holder.query('rollback');
    await running;
    return { free: rows.map(({ id }) => id).toSorted(), expected: inOrder.slice(middle + 1) };
  }

  it('by completions', async () => {
    const jobs = await claimOutOfOrder();
    const ids = jobs.map(({ id }) => id);
    const work = () => completeJobs(db.context, shuffled(jobs));
    const { free, expected } = await notLocked('job_claims', ids, work);
    expect(free).toEqual(expected);
  });

  it('by changes of live jobs', async () => {
    const ids = await submitMany(db, 21);
    const command = { kind: 'cancel' as const, reason: null };
    const work = () =>
      changeJobs(
        db.context,
        shuffled(ids).map((id) => ({ id, command })),
      );
    const { free, expected } = await notLocked('job_claims', ids, work);
    expect(free).toEqual(expected);
  });

  it('by retries of dead jobs', async () => {
    const jobs = await claimSome();
    const fail = { kind: 'fail' as const, retryable: false, error: { name: 'E', message: 'm' } };
    await endAttempts(
      db.context,
      jobs.map(({ id, leaseToken }) => ({ id, command: { ...fail, leaseToken } })),
    );
    const ids = jobs.map(({ id }) => id);
    const command = { kind: 'retry' as const, reason: null, delayMs: 0 };
    const work = () =>
      changeJobs(
        db.context,
        shuffled(ids).map((id) => ({ id, command })),
      );
    const { free, expected } = await notLocked('dead_jobs', ids, work);
    expect(free).toEqual(expected);
  });
});

describe('keys are taken in their own order', () => {
  it.each(['uniqueKey', 'idempotencyKey'] as const)(
    '(%s), whatever the order of the batch',
    async (name) => {
      const submit = (keys: readonly string[], client?: Queryable) =>
        submitJobs(
          db.context,
          keys.map((key) => ({ type: 'x', [name]: `${name} ${key}` })),
          { client },
        );
      const holder = await db.connect();
      await holder.query('begin');
      await submit(['m'], holder);
      const batch = submit(['z', 'm', 'a']);
      await untilWaiting(db, '');
      // The last one is not taken yet; the first one is.
      await submit(['z']);
      const first = submit(['a']);
      await untilWaiting(db, '', 2);
      await holder.query('rollback');
      const outcomes = await Promise.allSettled([batch, first]);
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    },
  );
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
