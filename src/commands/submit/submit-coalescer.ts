import { type Clock, systemClock } from '../../kernel/clock.ts';
import { isDaybookError } from '../../kernel/errors.ts';
import { invariant } from '../../kernel/invariant.ts';
import type { Executor } from '../../store/statement.ts';
import { submitFreshJobs } from '../../store/statements/submit-fresh-jobs.ts';
import type { SubmittedJobRow } from '../../store/statements/submit-jobs.ts';
import { Flying } from './flying.ts';
import { type Waiting, WaitingLine } from './waiting-line.ts';

/** Jobs, and bytes of their payloads, in one statement at the most. */
const MAX_JOBS = 1_000;
const MAX_BYTES = 8 * 1_048_576;

/**
 * Puts submissions that come in the same turn of the event loop into one statement, or two where they
 * are many; while two are on their way, or one with many jobs, the next gathers. One that comes alone
 * waits for nothing but the end of that turn. Only for submissions without keys, whose outcome cannot
 * hang on each other.
 */
export interface SubmitCoalescer {
  /**
   * Births, all or none of these rows; answers when, in ms since the epoch.
   * @throws DaybookError `overloaded` where too much waits already, or for too long: nothing was written
   */
  submit(rows: readonly SubmittedJobRow[]): Promise<number>;
}

export function createSubmitCoalescer(
  database: Executor,
  tenantId: number,
  clock: Clock = systemClock,
): SubmitCoalescer {
  const line = new WaitingLine(clock);
  const flying = new Flying(clock);
  let called = false;

  /**
   * Callers of one statement are answered in one turn and come back in one turn: without waiting for
   * its end, the first of them would fly alone.
   */
  function callToFly(): void {
    if (called || flying.lanesFor(line.jobs) === 0) return;
    called = true;
    setImmediate(() => {
      called = false;
      fly();
    });
  }

  function fly(): void {
    for (;;) {
      const lanes = flying.lanesFor(line.jobs);
      if (lanes === 0) break;
      const batch = line.take(Math.ceil(line.length / lanes), MAX_JOBS, MAX_BYTES);
      const jobs = batch.flatMap(({ rows }) => rows);
      const landed = flying.start(jobs.length, callToFly);
      void send(batch, jobs).then(() => {
        landed();
        callToFly();
        return undefined;
      });
    }
    line.keepTime();
  }

  async function send(batch: readonly Waiting[], jobs: readonly SubmittedJobRow[]): Promise<void> {
    try {
      const bornAtMs = await giveBirth(database, tenantId, jobs);
      for (const { resolve } of batch) resolve(bornAtMs);
    } catch (error) {
      // What one of them did wrong is not to be the others' trouble.
      const apart = batch.length > 1 && !isDaybookError(error, 'database-unavailable');
      if (apart) await Promise.all(batch.map((each) => send([each], each.rows)));
      else for (const { reject } of batch) reject(error);
    }
  }

  return {
    submit: (rows) =>
      new Promise((resolve, reject) => {
        line.join({ rows, resolve, reject });
        line.keepTime();
        callToFly();
      }),
  };
}

/** Births of jobs whose ids are fresh; answers when, in ms since the epoch. */
export async function giveBirth(
  executor: Executor,
  tenantId: number,
  jobs: readonly SubmittedJobRow[],
): Promise<number> {
  const [born] = await executor.run(submitFreshJobs, { tenantId, jobs });
  invariant(born !== undefined, 'jobs that are submitted are born');
  return born.occurred_at;
}
