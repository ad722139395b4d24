import { type Clock, systemClock } from '../../kernel/clock.ts';
import { isDaybookError } from '../../kernel/errors.ts';
import { invariant } from '../../kernel/invariant.ts';
import type { Executor } from '../../store/statement.ts';
import { submitFreshJobs } from '../../store/statements/submit-fresh-jobs.ts';
import type { SubmittedJobRow } from '../../store/statements/submit-jobs.ts';
import { type Waiting, WaitingLine } from './waiting-line.ts';

/** Statements on their way at the same time; jobs, and bytes of their payloads, in one at the most. */
const MAX_FLYING = 2;
const MAX_JOBS = 1_000;
const MAX_BYTES = 8 * 1_048_576;
/** So many submissions are worth a statement of their own, if one more may be on its way. */
const WORTH_ONE = 8;

/**
 * Puts submissions that come in the same turn of the event loop into one statement, or two where they
 * are many; while two are on their way, the next gathers. One that comes alone waits for nothing but
 * the end of that turn. Only for submissions without keys, whose outcome cannot hang on each other.
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
  let called = false;

  /**
   * Callers of one statement are answered in one turn and come back in one turn: without waiting for
   * its end, the first of them would fly alone.
   */
  function callToFly(): void {
    if (called || flying >= MAX_FLYING) return;
    called = true;
    setImmediate(() => {
      called = false;
      fly();
    });
  }

  function fly(): void {
    while (flying < MAX_FLYING && !line.isEmpty) {
      const share = Math.ceil(line.length / (MAX_FLYING - flying));
      flying += 1;
      void send(line.take(Math.max(WORTH_ONE, share), MAX_JOBS, MAX_BYTES)).then(() => {
        flying -= 1;
        if (!line.isEmpty) callToFly();
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
