import { hostname } from 'node:os';
import { listQueues } from '../commands/change/change-queue.ts';
import { type ClaimedJob, claimJobs, fromTheFront } from '../commands/work/claim-jobs.ts';
import { completeJobs } from '../commands/work/complete-jobs.ts';
import { endAttempts } from '../commands/work/end-attempts.ts';
import { endWorkerSession, openWorkerSession } from '../commands/work/worker-sessions.ts';
import type { WriteContext } from '../commands/write-context.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Definitions } from '../workers/definitions/job-catalog.ts';
import { createJobAbort, type Middleware } from '../workers/job-context.ts';
import { createJobNotes } from '../workers/job-notes.ts';
import { runClaim } from '../workers/run-claim.ts';
import type { RunOutcome } from '../workers/run-job.ts';

export interface DrainOptions {
  /** Queues to drain; default: all there are. */
  readonly queues?: readonly string[];
  /** Jobs at the most, so that a job that submits itself anew ends somewhere; default 10,000. */
  readonly limit?: number;
}

/** How many attempts ended how. */
export type Drained = Record<Exclude<RunOutcome['kind'], 'none'>, number>;

/** What `drain` needs of a Daybook. */
export interface Drainable {
  readonly context: WriteContext;
  readonly definitions: Definitions;
  readonly middleware: readonly Middleware[];
}

/** Those of a worker that is told nothing else, but for the time: a test should not wait an hour. */
const MAX_LOG_LINES = 1_000;
const limits = { defaultTimeoutMs: 60_000, abortGraceMs: 1_000 };

/**
 * Runs every job that is due, one after the other, in the calling test, until none is: also those
 * that these jobs submit, and retries that are due at once. No worker must run beside it.
 */
export async function drain(daybook: Drainable, options: DrainOptions = {}): Promise<Drained> {
  const { context, definitions } = daybook;
  const drained: Drained = { complete: 0, fail: 0, snooze: 0, release: 0 };
  const session = await openWorkerSession(context, {
    name: 'drain',
    host: hostname(),
    pid: process.pid,
    version: null,
    queues: options.queues ?? [],
    types: definitions.types,
    slots: 1,
    leaseMs: 3_600_000,
  });
  const notes = createJobNotes(context, systemClock, MAX_LOG_LINES);
  const run = { definitions, middleware: daybook.middleware, clock: systemClock, ...limits };
  for (let left = options.limit ?? 10_000; left > 0; left -= 1) {
    const job = await claimNext(context, session, options.queues);
    if (job === undefined) break;
    const outcome = await runClaim({ context, notes, run }, job, createJobAbort());
    // Nothing is left to write of a job that completed in a transaction of its handler.
    drained[outcome.kind === 'none' ? 'complete' : outcome.kind] += 1;
    await write(context, job, outcome);
    notes.forget(job.id);
  }
  await notes.flush();
  await endWorkerSession(context, session);
  return drained;
}

async function claimNext(
  context: WriteContext,
  session: string,
  only: readonly string[] | undefined,
): Promise<ClaimedJob | undefined> {
  const queues = only ?? (await listQueues(context)).map(({ name }) => name);
  for (const queue of queues) {
    for (const suspects of [false, true]) {
      const request = { queue, session, suspects, limit: 1, maxBytes: 1, cursorsMs: fromTheFront };
      const [job] = await claimJobs(context, request);
      if (job !== undefined) return job;
    }
  }
  return undefined;
}

async function write(context: WriteContext, job: ClaimedJob, outcome: RunOutcome): Promise<void> {
  const { id, leaseToken } = job;
  if (outcome.kind === 'none') return;
  if (outcome.kind === 'complete') {
    await completeJobs(context, [{ id, leaseToken, result: outcome.result }]);
    return;
  }
  await endAttempts(context, [{ id, command: { ...outcome, leaseToken } }]);
}
