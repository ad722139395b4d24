import type { ClaimedJob } from '../commands/work/claim-jobs.ts';
import { completeJobs } from '../commands/work/complete-jobs.ts';
import { endAttempts } from '../commands/work/end-attempts.ts';
import type { WriteContext } from '../commands/write-context.ts';
import type { JobEvent } from '../domain/job/events.ts';
import { jobErrorFrom } from '../domain/job/job-error.ts';
import { type Backoff, createBackoff } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import { isDaybookError } from '../kernel/errors.ts';
import type { AttemptOutcome } from '../kernel/observer.ts';
import type { RunOutcome } from './run-job.ts';

/** An attempt that ended, on its way into the log. */
export interface EndedAttempt {
  readonly job: ClaimedJob;
  readonly outcome: Exclude<RunOutcome, { kind: 'none' }>;
  /** From claim to outcome, in ms, as this process saw it. */
  readonly runMs: number;
}

export interface OutcomeWriter {
  /** Hands over an attempt; it is written with whatever else waits, at once when nothing does. */
  add(attempt: EndedAttempt): void;
  /** Attempts handed over and not written yet. */
  readonly size: number;
  /** The lease tokens of those attempts. */
  leaseTokens(): string[];
  /** Resolves once everything handed over so far is written or given up. */
  flushed(): Promise<void>;
  /** Gives up on what is not written: its lease is gone. */
  abandon(): void;
}

/** Outcomes per statement at the most. */
const BATCH = 1_000;

/**
 * Writes outcomes in batches that form by themselves: while one batch is on its way, the next
 * gathers. A single job never waits for a batch to fill. While the database is away a batch is tried
 * again, for as long as the lease holds.
 */
export function createOutcomeWriter(context: WriteContext, clock: Clock): OutcomeWriter {
  let waiting: EndedAttempt[] = [];
  let writing: EndedAttempt[] = [];
  let busy: Promise<void> | null = null;
  let abandoned = new AbortController();

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      waiting = waiting.slice(BATCH);
      writing = batch;
      await writeUntilSettled(batch, createBackoff(50, 2_000, context.random));
      writing = [];
    }
    busy = null;
  }

  async function writeUntilSettled(batch: EndedAttempt[], backoff: Backoff): Promise<void> {
    const given = abandoned.signal;
    while (!given.aborted) {
      try {
        await write(context, batch);
        return;
      } catch (error) {
        if (!isDaybookError(error, 'database-unavailable')) {
          await writeApart(batch, error);
          return;
        }
        await clock.sleep(backoff.nextMs(), given);
      }
    }
  }

  /**
   * One outcome that cannot be written must not hold up the others of its batch, nor stay claimed
   * for as long as this process lives: each is tried alone, and one that fails alone is a failure of
   * its job.
   */
  async function writeApart(batch: EndedAttempt[], error: unknown): Promise<void> {
    const [attempt] = batch;
    if (batch.length > 1) {
      for (const each of batch) {
        await writeUntilSettled([each], createBackoff(50, 2_000, context.random));
      }
    } else if (attempt !== undefined && attempt.outcome.kind === 'complete') {
      context.observer.warn('a result could not be stored; its job has failed', { error });
      const cause = { name: 'ResultNotStored', message: jobErrorFrom(error).message };
      const outcome = { kind: 'fail', error: cause, retryable: true } as const;
      await writeUntilSettled([{ ...attempt, outcome }], createBackoff(50, 2_000, context.random));
    } else {
      context.observer.warn('an outcome could not be written', { error });
    }
  }

  return {
    get size() {
      return waiting.length + writing.length;
    },
    leaseTokens: () => [...writing, ...waiting].map(({ job }) => job.leaseToken),
    add(attempt) {
      waiting.push(attempt);
      busy ??= Promise.resolve().then(writeAll);
    },
    flushed: () => busy ?? Promise.resolve(),
    abandon() {
      abandoned.abort();
      abandoned = new AbortController();
    },
  };
}

async function write(context: WriteContext, batch: readonly EndedAttempt[]): Promise<void> {
  const completed = batch.filter(({ outcome }) => outcome.kind === 'complete');
  const ended = batch.filter(({ outcome }) => outcome.kind !== 'complete');
  await Promise.all([writeCompleted(context, completed), writeEnded(context, ended)]);
}

async function writeCompleted(
  context: WriteContext,
  attempts: readonly EndedAttempt[],
): Promise<void> {
  if (attempts.length === 0) return;
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

async function writeEnded(context: WriteContext, attempts: readonly EndedAttempt[]): Promise<void> {
  if (attempts.length === 0) return;
  const answers = await endAttempts(
    context,
    attempts.map(({ job, outcome }) => ({ id: job.id, command: commandOf(job, outcome) })),
  );
  for (const [index, { job, outcome, runMs }] of attempts.entries()) {
    const labels = { queue: job.queue, type: job.type };
    if (outcome.kind === 'fail') context.observer.failed(labels);
    const last = answers[index]?.rejection === undefined && answers[index]?.events.at(-1)?.type;
    if (typeof last === 'string') context.observer.ended(labels, endOf[last] ?? 'retried', runMs);
  }
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
