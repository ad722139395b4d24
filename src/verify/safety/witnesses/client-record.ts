/**
 * What those outside the database saw, one record per line of a JSON-lines file, in any order and from
 * any number of files. A file belongs to one process, so that a process that is killed can tear its
 * own last line only. Fields that are not named here are left alone.
 */
export type ClientRecord =
  | SubmittedRecord
  | HandlerStartedRecord
  | HandlerEndedRecord
  | OutcomeRecord
  | WrittenRecord;

/** For people who read the file; nothing is decided from them, since clocks of clients may be wrong. */
export interface Witnessed {
  /** When it was written, in ms since the epoch, by the writer's own clock. */
  readonly atMs?: number;
  /** Who wrote it, such as `worker-3` or a pid. */
  readonly by?: string;
}

/** A submission was acknowledged: written after the answer came, once per job. */
export interface SubmittedRecord extends Witnessed {
  readonly kind: 'submitted';
  readonly jobId: string;
}

/**
 * Which claim it is about. A handler knows its claim by `context.job.version`, which is the version of
 * the JobClaimed; workers over HTTP and rows of `rejected_outcomes` know the lease token. One is enough.
 */
export interface OfClaim {
  readonly jobId: string;
  /** The version of the claim's JobClaimed in the job's stream. */
  readonly claimVersion?: number;
  readonly leaseToken?: string;
}

/** A handler begins: written before it does anything, so that a process killed in it has said so. */
export interface HandlerStartedRecord extends OfClaim, Witnessed {
  readonly kind: 'handler-started';
}

/**
 * A handler has ended: written before its outcome is sent, and before a transaction of its own that
 * completes the job is committed.
 */
export interface HandlerEndedRecord extends OfClaim, Witnessed {
  readonly kind: 'handler-ended';
  readonly how: 'returned' | 'threw';
  /**
   * SHA-256 of the result as JSON text, in hex: what JobCompleted carries. Where each run gives a result
   * of its own, it shows whose outcome was recorded.
   */
  readonly resultHash?: string;
}

/** An outcome was sent, and this was the answer. Every try has a record of its own. */
export interface OutcomeRecord extends OfClaim, Witnessed {
  readonly kind: 'outcome';
  readonly verb: 'complete' | 'fail' | 'snooze' | 'release';
  /** `unknown`: the connection was lost before an answer came, or the answer was an error of the server. */
  readonly answer: 'recorded' | 'already-recorded' | 'lease-lost' | 'unknown';
}

/**
 * Another write was acknowledged (a cancel, a retry, a pause, ...): what its write token names. The
 * event with this version of the stream must be in the log.
 */
export interface WrittenRecord extends Witnessed {
  readonly kind: 'written';
  readonly streamId: string;
  readonly version: number;
}
