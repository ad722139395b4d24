import type { ClaimedJob } from '../commands/work/claim-jobs.ts';
import { completeJobs } from '../commands/work/complete-jobs.ts';
import { loadJobs } from '../commands/read/load-jobs.ts';
import { markSuspectStart } from '../commands/work/worker-sessions.ts';
import { ancestryOf, type WriteContext } from '../commands/write-context.ts';
import type { JobAbort, JobContext } from './job-context.ts';
import type { JobNotes } from './job-notes.ts';
import { type RunOptions, type RunOutcome, runJob } from './run-job.ts';

export interface ClaimRunner {
  readonly context: WriteContext;
  readonly notes: JobNotes;
  readonly run: RunOptions;
}

/**
 * Runs a claimed job: marks the start of a suspect, and sees to a handler's own transaction. Rejects
 * where the database does not answer what has to be known; then the claim is to be given back.
 */
export async function runClaim(
  { context, notes, run }: ClaimRunner,
  job: ClaimedJob,
  abort: JobAbort,
): Promise<RunOutcome> {
  // Unmarked a suspect must not run: a crash would not count.
  if (job.suspect && !(await markSuspectStart(context, job.id, job.leaseToken))) {
    return { kind: 'none' };
  }
  const transaction = { completed: false };
  const handed = contextFor(context, notes, job, abort, transaction);
  const { lineage } = context;
  const outcome = await lineage.within(ancestryOf(context, job), () =>
    runJob(job, handed, abort, run),
  );
  return transaction.completed ? afterTransaction(context, job, outcome) : outcome;
}

function contextFor(
  context: WriteContext,
  notes: JobNotes,
  claimed: ClaimedJob,
  abort: JobAbort,
  transaction: { completed: boolean },
): JobContext {
  const {
    leaseToken,
    payload: _payload,
    payloadBytes: _payloadBytes,
    suspect: _suspect,
    ...job
  } = claimed;
  return {
    job,
    get signal() {
      return abort.signal;
    },
    log: (message) => notes.log(job.id, message),
    progress: (progress) => notes.progress(job.id, progress),
    async completeIn(client, result) {
      await completeJobs(context, [{ id: job.id, leaseToken, result }], { client });
      transaction.completed = true;
    },
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
