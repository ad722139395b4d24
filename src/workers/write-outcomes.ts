import type { ClaimedJob } from '../commands/work/claim-jobs.ts';
import { completeJobs } from '../commands/work/complete-jobs.ts';
import { endAttempts } from '../commands/work/end-attempts.ts';
import type { WriteContext } from '../commands/write-context.ts';
import type { JobEvent } from '../domain/job/events.ts';
import { DaybookError } from '../kernel/errors.ts';
import type { AttemptOutcome } from '../kernel/observer.ts';
import type { RunOutcome } from './run-job.ts';

/** An attempt that ended, on its way into the log. */
export interface EndedAttempt {
  readonly job: ClaimedJob;
  readonly outcome: Exclude<RunOutcome, { kind: 'none' }>;
  /** From claim to outcome, in ms, as this process saw it. */
  readonly runMs: number;
}

/** Writes completions, all in one statement. @throws what the statement does: then none is written */
export async function writeCompleted(
  context: WriteContext,
  attempts: readonly EndedAttempt[],
): Promise<void> {
  const answers = await completeJobs(
    context,
    attempts.map(({ job, outcome }) => ({
      id: job.id,
      leaseToken: job.leaseToken,
      ...(outcome.kind === 'complete' ? { result: outcome.result } : {}),
    })),
  );
  for (const [index, { job, runMs }] of attempts.entries()) {
    if (answers[index]?.outcome === 'lease-lost') continue;
    context.observer.ended({ queue: job.queue, type: job.type }, 'completed', runMs);
  }
}

/**
 * Writes attempts that ended in another way.
 * @throws DaybookError `concurrent-change` where others kept changing a job; the rest is recorded, and
 *   writing it again says so
 */
export async function writeEnded(
  context: WriteContext,
  attempts: readonly EndedAttempt[],
): Promise<void> {
  const answers = await endAttempts(
    context,
    attempts.map(({ job, outcome }) => ({ id: job.id, command: commandOf(job, outcome) })),
  );
  let missed: DaybookError | null = null;
  for (const [index, { job, outcome, runMs }] of attempts.entries()) {
    const labels = { queue: job.queue, type: job.type };
    const answer = answers[index];
    if (answer?.rejection?.code === 'concurrent-change') {
      missed = new DaybookError('concurrent-change', answer.rejection.detail);
      continue;
    }
    if (outcome.kind === 'fail') context.observer.failed(labels);
    const last = answer?.rejection === undefined && answer?.events.at(-1)?.type;
    if (typeof last === 'string') context.observer.ended(labels, endOf[last] ?? 'retried', runMs);
  }
  // What is recorded already says so when it is written again.
  if (missed !== null) throw missed;
}

const endOf: Partial<Record<JobEvent['type'], AttemptOutcome>> = {
  JobRetried: 'retried',
  JobDead: 'dead',
  JobCancelled: 'cancelled',
  JobSnoozed: 'snoozed',
  JobInterrupted: 'interrupted',
};

function commandOf(job: ClaimedJob, outcome: EndedAttempt['outcome']) {
  const { leaseToken } = job;
  switch (outcome.kind) {
    case 'fail':
      return { ...outcome, leaseToken };
    case 'snooze':
      return { ...outcome, leaseToken };
    case 'release':
    case 'complete':
      return { kind: 'release', leaseToken } as const;
  }
}
