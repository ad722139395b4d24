import type { RetryPolicy } from '../retry-policy.ts';
import type { Recorded } from '../recorded.ts';

/** A failure as it is kept: texts are cut to size and free of what Postgres cannot store. */
export interface JobError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

export type InterruptReason =
  /** The session stopped beating: its process died, hung or lost the database. */
  | 'lease-expired'
  /** A living worker gave the job back. */
  | 'released';

export type DeadReason = 'attempts-exhausted' | 'not-retryable' | 'crashes-its-worker';

/** What each event says, by its type. Absent fields mean the default, so that common events stay small. */
export interface JobEventData {
  readonly JobSubmitted: {
    readonly type: string;
    readonly priority: number;
    readonly maxAttempts: number;
    /** Runs no earlier than this; absent: at once. */
    readonly runAtMs?: number;
    /** Runs no earlier than this long after the event; absent: at once. */
    readonly delayMs?: number;
    readonly retryPolicy?: RetryPolicy;
    readonly timeoutMs?: number;
    readonly tags?: readonly string[];
    readonly uniqueKey?: string;
    /** The job that this one runs again. */
    readonly replayOf?: string;
    readonly payloadHash: string;
    readonly payloadBytes: number;
  };
  readonly JobClaimed: {
    /** From 1; counts attempts that failed, so an interrupted one gives its number back. */
    readonly attempt: number;
    readonly session: string;
    readonly leaseToken: string;
  };
  readonly JobCompleted: { readonly resultHash?: string; readonly resultBytes?: number };
  readonly JobFailed: { readonly attempt: number; readonly error: JobError };
  readonly JobRetried: {
    readonly runAtMs: number;
    /** Present when an operator asked for it, and not a policy. */
    readonly reason?: string | null;
    /** Present when it brought a dead job back. */
    readonly revived?: { readonly maxAttempts: number };
  };
  readonly JobDead: { readonly reason: DeadReason };
  readonly JobCancelled: { readonly reason: string | null };
  readonly JobInterrupted: {
    readonly reason: InterruptReason;
    /** A suspect that had marked its start when its lease lapsed: this one counts. */
    readonly crashed?: true;
  };
  readonly JobCancelRequested: { readonly reason: string | null };
  readonly JobSnoozed: { readonly runAtMs: number };
  readonly JobRescheduled: { readonly runAtMs: number; readonly reason: string | null };
  readonly JobEdited: { readonly changes: JobChanges; readonly reason: string | null };
  readonly JobMoved: { readonly from: string; readonly to: string; readonly reason: string | null };
  readonly PayloadErased: { readonly reason: string | null };
}

/** What may be changed on a waiting job. */
export interface JobChanges {
  readonly priority?: number;
  readonly maxAttempts?: number;
  readonly retryPolicy?: RetryPolicy;
  readonly timeoutMs?: number | null;
  readonly tags?: readonly string[];
  readonly payloadHash?: string;
  readonly payloadBytes?: number;
}

export type JobEventType = keyof JobEventData;

/** An event as `decide` makes it, before it is written. */
export type JobEvent = {
  [T in JobEventType]: { readonly type: T; readonly data: JobEventData[T] };
}[JobEventType];

/** An event of a job as it stands in the log. */
export type RecordedJobEvent = JobEvent & Recorded;
