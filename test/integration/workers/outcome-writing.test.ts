import type pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Daybook, defineJob, openDaybook } from '../../../src/daybook.ts';
import { sqlState } from '../../../src/store/sqlstate.ts';
import { createFaultyPool, type Passing, postgresError } from '../../support/faulty-pool.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).toReversed()) await close();
});

const jobs = [
  defineJob({ type: 'echo', payload: z.unknown(), maxAttempts: 1, handler: (given) => given }),
  defineJob({ type: 'no-json', payload: z.unknown(), maxAttempts: 1, handler: () => 1n }),
  defineJob({
    type: 'fails',
    payload: z.unknown(),
    maxAttempts: 1,
    handler: () => {
      throw new Error('no luck');
    },
  }),
];

/** A worker on a pool of which some statements fail with an SQLSTATE, so many times each. */
function startWorker(failures: Record<string, { code: string; times: number }>) {
  return startWorkerOn(({ name, run }) => {
    const failure = failures[name];
    if (failure === undefined || failure.times === 0) return run();
    failure.times -= 1;
    return Promise.reject(postgresError(failure.code));
  });
}

async function startWorkerOn(meddle: (passing: Passing) => Promise<pg.QueryResult>) {
  const db = await createTestDatabase();
  closings.push(() => db.drop());
  const pool = createFaultyPool(db, meddle);
  closings.push(() => pool.end());
  const daybook = await openDaybook({ pool, jobs });
  closings.push(() => daybook.close());
  await daybook.worker({ pollMs: 20 }).start();
  return daybook;
}

async function end(daybook: Daybook, type: string, payload?: unknown) {
  const { id } = await daybook.submit({ type, payload });
  return daybook.waitFor(id);
}

describe('an outcome', () => {
  it.each([
    sqlState.deadlockDetected,
    sqlState.serializationFailure,
    sqlState.queryCanceled,
    sqlState.diskFull,
    sqlState.readOnlyTransaction,
    sqlState.adminShutdown,
  ])('that could not be written because of %s is written again', async (code) => {
    const failures = {
      'complete-jobs': { code, times: 2 },
      'commit-decisions': { code, times: 2 },
    };
    const daybook = await startWorker(failures);
    expect(await end(daybook, 'echo', 'x')).toMatchObject({ phase: 'completed', result: 'x' });
    const failed = await end(daybook, 'fails');
    expect(failed.state.lastError).toMatchObject({ name: 'Error', message: 'no luck' });
    expect(Object.values(failures).map(({ times }) => times)).toEqual([0, 0]);
  });

  it('that cannot be stored is a failure of its job, and of no other', async () => {
    const daybook = await startWorker({});
    const submitted = await daybook.submitMany(
      Array.from({ length: 50 }, (_, n) => ({ type: n === 20 ? 'no-json' : 'echo', payload: n })),
    );
    for (const [n, { id }] of submitted.entries()) {
      const job = await daybook.waitFor(id);
      if (n === 20) expect(job.state.lastError?.name).toBe('ResultNotStored');
      else expect(job).toMatchObject({ phase: 'completed', result: n });
    }
  });

  it('that cannot be stored fails its job also if that meets with an accident', async () => {
    const code = sqlState.deadlockDetected;
    const daybook = await startWorker({ 'commit-decisions': { code, times: 1 } });
    const job = await end(daybook, 'no-json');
    expect(job.phase).toBe('dead');
    expect(job.state.lastError?.name).toBe('ResultNotStored');
    expect(job.state.failures).toBe(1);
  });

  it('that others get in the way of is written once they stop', async () => {
    let late = 20;
    const daybook = await startWorkerOn(({ name, run }) => {
      if (name !== 'commit-decisions' || late === 0) return run();
      late -= 1;
      return Promise.resolve({ rows: [{ kept: [] }] } as never);
    });
    const job = await end(daybook, 'fails');
    expect(late).toBe(0);
    expect(job.state).toMatchObject({ status: 'dead', failures: 1 });
  });

  it('that fails again and again holds up no other', async () => {
    // Every statement with a certain outcome in it.
    let isCursed = true;
    const daybook = await startWorkerOn(({ name, values, run }) => {
      const hit = name === 'complete-jobs' && JSON.stringify(values).includes('cursed');
      return hit && isCursed ? Promise.reject(postgresError('XX000')) : run();
    });
    const submitted = await daybook.submitMany(
      Array.from({ length: 20 }, (_, n) => ({ type: 'echo', payload: n === 7 ? 'cursed' : n })),
    );
    const [cursed] = submitted.splice(7, 1);
    for (const { id } of submitted) {
      expect((await daybook.waitFor(id)).phase).toBe('completed');
    }
    expect((await daybook.get(cursed?.id ?? ''))?.phase).toBe('running');
    const { id } = await daybook.submit({ type: 'echo', payload: 'later' });
    expect((await daybook.waitFor(id)).phase).toBe('completed');
    isCursed = false;
    const job = await daybook.waitFor(cursed?.id ?? '');
    expect(job).toMatchObject({ phase: 'completed', result: 'cursed' });
  });
});
