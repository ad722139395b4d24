import { type Clock, systemClock } from '../../kernel/clock.ts';
import { isDaybookError } from '../../kernel/errors.ts';
import { invariant } from '../../kernel/invariant.ts';
import type { Executor } from '../../store/statement.ts';
import { submitFreshJobs } from '../../store/statements/submit-fresh-jobs.ts';
import type { SubmittedJobRow } from '../../store/statements/submit-jobs.ts';
import { type Waiting, WaitingLine } from './waiting-line.ts';

/** Statements on their way at the same time; jobs, and bytes of their payloads, in one at the most. */
const MAX_FLYING = 2;
const MAX_JOBS = 2_000;
const MAX_BYTES = 8 * 1_048_576;
/**
 * Puts submissions that come at the same time into one statement: while two are on their way, the
 * next gathers. One that comes alone never waits. Only for submissions without keys, whose outcome
 * cannot hang on each other.
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
  let flying = 0;

  function fly(): void {
    while (flying < MAX_FLYING && !line.isEmpty) {
      flying += 1;
      void send(line.take(MAX_JOBS, MAX_BYTES)).then(() => {
        flying -= 1;
        fly();
        return undefined;
      });
    }
    line.keepTime();
  }

  async function send(batch: readonly Waiting[]): Promise<void> {
    const jobs = batch.flatMap(({ rows }) => rows);
    try {
      const bornAtMs = await giveBirth(database, tenantId, jobs);
      for (const { resolve } of batch) resolve(bornAtMs);
    } catch (error) {
      // What one of them did wrong is not to be the others' trouble.
      const apart = batch.length > 1 && !isDaybookError(error, 'database-unavailable');
      if (apart) await Promise.all(batch.map((each) => send([each])));
      else for (const { reject } of batch) reject(error);
    }
  }

  return {
    submit: (rows) =>
      new Promise((resolve, reject) => {
        line.join({ rows, resolve, reject });
        fly();
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
