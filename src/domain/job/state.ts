import type { RetryPolicy } from '../retry-policy.ts';
import type { DeadReason, JobError } from './events.ts';

/** What is stored about where a job is. `scheduled`, `ready` and `retrying` are `waiting` on disk. */
export type JobStatus = 'waiting' | 'running' | 'completed' | 'dead' | 'cancelled';

/** What a reader sees: `waiting` told apart by why, and whether its time has come. */
export type JobPhase =
  | 'scheduled'
  | 'ready'
  | 'retrying'
  | 'running'
  | 'completed'
  | 'dead'
  | 'cancelled';

export interface Lease {
  readonly token: string;
  readonly session: string;
  readonly attempt: number;
  readonly claimedAtMs: number;
}

/** How the newest claim ended; tells a repeated outcome from a lost lease. */
export interface LastOutcome {
  readonly token: string;
  readonly outcome: 'completed' | 'failed' | 'snoozed' | 'released' | 'expired';
}

/** A job: the fold of its stream. Times are ms since the Unix epoch. */
export interface JobState {
  readonly id: string;
  readonly version: number;
  readonly queue: string;
  readonly type: string;
  readonly status: JobStatus;
  readonly priority: number;
  readonly runAtMs: number;
  readonly submittedAtMs: number;
  readonly maxAttempts: number;
  /** Attempts that failed; the next claim is attempt `failures + 1`. */
  readonly failures: number;
  readonly retryPolicy: RetryPolicy | null;
  readonly timeoutMs: number | null;
  readonly tags: readonly string[];
  readonly uniqueKey: string | null;
  readonly correlation: string | null;
  /** The job that this one runs again. */
  readonly replayOf: string | null;
  readonly payloadHash: string;
  readonly payloadBytes: number;
  readonly payloadErased: boolean;
  /** It waits for its next attempt after a failure, and was not snoozed or rescheduled since. */
  readonly retrying: boolean;
  /** Interrupted before by a lapsed lease: claimed alone, and watched. */
  readonly suspect: boolean;
  /** Marked starts whose lease lapsed. */
  readonly crashes: number;
  readonly lease: Lease | null;
  readonly lastOutcome: LastOutcome | null;
  readonly cancelRequested: { readonly reason: string | null } | null;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly lastError: JobError | null;
  readonly resultHash: string | null;
  readonly deadReason: DeadReason | null;
  readonly cancelReason: string | null;
}

/** Marked starts of a suspect that may end with a lapsed lease before it is dead. */
export const maxCrashes = 5;

/** Where a job is, as a reader sees it at `nowMs`. */
export function phaseOf(
  job: Pick<JobState, 'status' | 'runAtMs' | 'retrying'>,
  nowMs: number,
): JobPhase {
  if (job.status !== 'waiting') return job.status;
  if (job.runAtMs <= nowMs) return 'ready';
  return job.retrying ? 'retrying' : 'scheduled';
}

/** True once nothing but an operator can change the job: retry it when dead, or erase its payload. */
export function hasEnded(job: Pick<JobState, 'status'>): boolean {
  return job.status === 'completed' || job.status === 'dead' || job.status === 'cancelled';
}
