import type { ClaimedJob } from '../commands/work/claim-jobs.ts';
import type { Queryable } from '../store/database.ts';

/** The job as its handler sees it: no lease token, which is the worker's business. */
export type RunningJob = Omit<ClaimedJob, 'leaseToken' | 'payload' | 'payloadBytes' | 'suspect'>;

/** What a handler is given beside its payload. */
export interface JobContext {
  readonly job: RunningJob;
  /**
   * Aborts on timeout, cancellation, a lost lease and shutdown; `signal.reason` is a DaybookError
   * or an AbortReason that says which.
   */
  readonly signal: AbortSignal;
  /** Adds a line to the job's own log (not to the event log). Bounded; never throws. */
  log(message: string): void;
  /** Shows how far the job is: any JSON. The newest wins. Never throws. */
  progress(progress: unknown): void;
  /**
   * Completes the job in the handler's own transaction: its effects and the outcome commit together,
   * or not at all. Return after committing.
   * @param client a `pg` client with an open transaction
   * @throws DaybookError `lease-lost`: roll back, the job is no longer yours
   */
  completeIn(client: Queryable, result?: unknown): Promise<void>;
}

/** Why a handler's signal aborted. */
export type AbortReason = 'timeout' | 'cancelled' | 'lease-lost' | 'shutdown';

/** `signal.reason` of a handler's signal. */
export class JobAborted extends Error {
  readonly reason: AbortReason;

  constructor(reason: AbortReason) {
    super(`The job was stopped: ${reason}.`);
    this.name = 'JobAborted';
    this.reason = reason;
  }
}

/** Stops one handler. The AbortSignal is made only for those that look at it: most never do. */
export interface JobAbort {
  readonly reason: AbortReason | null;
  readonly signal: AbortSignal;
  /** The first reason stays. */
  abort(reason: AbortReason): void;
  onAbort(listener: () => void): void;
}

export function createJobAbort(): JobAbort {
  return new LazyAbort();
}

class LazyAbort implements JobAbort {
  #controller: AbortController | null = null;
  #reason: AbortReason | null = null;
  #listener: (() => void) | null = null;

  get reason(): AbortReason | null {
    return this.#reason;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(new JobAborted(this.#reason));
    }
    return this.#controller.signal;
  }

  abort(why: AbortReason): void {
    if (this.#reason !== null) return;
    this.#reason = why;
    this.#controller?.abort(new JobAborted(why));
    this.#listener?.();
  }

  onAbort(told: () => void): void {
    this.#listener = told;
    if (this.#reason !== null) told();
  }
}

/** Runs around every handler, the first given outermost. */
export type Middleware = (context: JobContext, next: () => Promise<unknown>) => Promise<unknown>;
