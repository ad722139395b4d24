import type { ClaimedJob } from '../commands/work/claim-jobs.ts';
import { completeJobs } from '../commands/work/complete-jobs.ts';
import { loadJobs } from '../commands/read/load-jobs.ts';
import { markSuspectStart } from '../commands/work/worker-sessions.ts';
import { ancestryOf, type WriteContext } from '../commands/write-context.ts';
import type { JobAbort, JobContext, RunningJob } from './job-context.ts';
import type { JobNotes } from './job-notes.ts';
import { type RunOptions, type RunOutcome, runJob } from './run-job.ts';

export interface ClaimRunner {
  readonly context: WriteContext;
  readonly notes: JobNotes;
  readonly run: RunOptions;
}

/**
 * Runs a claimed job: marks the start of a suspect, and sees to a handler's own transaction. Answers at
 * once where the handler does. Rejects where the database does not answer what has to be known; then
 * the claim is to be given back.
 */
export function runClaim(
  runner: ClaimRunner,
  job: ClaimedJob,
  abort: JobAbort,
): RunOutcome | Promise<RunOutcome> {
  return job.suspect ? runSuspect(runner, job, abort) : runHandler(runner, job, abort);
}

async function runSuspect(
  runner: ClaimRunner,
  job: ClaimedJob,
  abort: JobAbort,
): Promise<RunOutcome> {
  // Unmarked a suspect must not run: a crash would not count.
  const marked = await markSuspectStart(runner.context, job.id, job.leaseToken);
  return marked ? runHandler(runner, job, abort) : { kind: 'none' };
}

function runHandler(
  { context, notes, run }: ClaimRunner,
  job: ClaimedJob,
  abort: JobAbort,
): RunOutcome | Promise<RunOutcome> {
  const handed = new HandedContext(context, notes, job, abort);
  const { lineage } = context;
  const outcome = lineage.within(ancestryOf(context, job), () => runJob(job, handed, abort, run));
  if (!(outcome instanceof Promise)) return outcome;
  return outcome.then((ended) =>
    handed.completedInTransaction() ? afterTransaction(context, job, ended) : ended,
  );
}

/** `signal` belongs to the class: a getter of each object costs ten times what the rest does. */
class HandedContext implements JobContext {
  readonly job: RunningJob;
  readonly log: JobContext['log'];
  readonly progress: JobContext['progress'];
  readonly completeIn: JobContext['completeIn'];
  readonly #abort: JobAbort;
  #completed = false;

  constructor(context: WriteContext, notes: JobNotes, claimed: ClaimedJob, abort: JobAbort) {
    const { id, leaseToken } = claimed;
    this.job = runningJob(claimed);
    this.log = (message) => notes.log(id, message);
    this.progress = (progress) => notes.progress(id, progress);
    this.completeIn = async (client, result) => {
      await completeJobs(context, [{ id, leaseToken, result }], { client });
      this.#completed = true;
    };
    this.#abort = abort;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  completedInTransaction(): boolean {
    return this.#completed;
  }
}

/** Field by field: taking the others out with `...` costs more than the handler of a quick job. */
function runningJob(claimed: ClaimedJob): RunningJob {
  return {
    id: claimed.id,
    queue: claimed.queue,
    type: claimed.type,
    version: claimed.version,
    attempt: claimed.attempt,
    maxAttempts: claimed.maxAttempts,
    priority: claimed.priority,
    timeoutMs: claimed.timeoutMs,
    runAtMs: claimed.runAtMs,
    submittedAtMs: claimed.submittedAtMs,
    claimedAtMs: claimed.claimedAtMs,
    correlationId: claimed.correlationId,
    tags: claimed.tags,
  };
}

/**
 * What is left to write for a job that completed in its handler's own transaction: nothing, if that
 * committed. If it did not, the job was not done, whatever the handler returned.
 */
async function afterTransaction(
  context: WriteContext,
  job: ClaimedJob,
  outcome: RunOutcome,
): Promise<RunOutcome> {
  if (outcome.kind !== 'complete') return outcome;
  const loaded = await loadJobs(context.database, context.tenantId, [job.id]);
  if (loaded.get(job.id)?.state.lease?.token !== job.leaseToken) return { kind: 'none' };
  const message = 'The transaction in which the job completed was not committed.';
  return { kind: 'fail', error: { name: 'NotCommitted', message }, retryable: true };
}
