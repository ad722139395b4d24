import type { ClaimedJob } from '../../commands/work/claim-jobs.ts';
import { type AbortReason, createJobAbort, type JobAbort } from '../job-context.ts';

/**
 * All that one worker process holds: what is claimed and not started, what runs, and what waits for
 * its outcome to be written. Claims are told apart by their lease token: a handler that does not heed
 * the loss of its lease may still run when the same job is claimed again.
 */
export interface HeldJobs {
  /** What is held of one queue; one share per queue. */
  share(queue: string): QueueShare;
  /** Whether a suspect is among those that run or are about to. */
  holdsSuspect(): boolean;
  /** Payload bytes of what has not started yet. */
  bufferedBytes(): number;
  /** The claims that this process knows of. */
  leaseTokens(): Set<string>;
  /** Stops the handlers of jobs by id (or all), for a reason. */
  abort(reason: AbortReason, jobIds?: readonly string[]): void;
  /** Takes what has not started yet (of jobs by id, or all): it is held no more. */
  takeBuffered(jobIds?: readonly string[]): ClaimedJob[];
  /** Resolves when nothing runs any more. */
  idle(): Promise<void>;
}

/** What is held of one queue: first in the buffer, then running, until it has ended. */
export interface QueueShare {
  readonly buffered: number;
  readonly running: number;
  buffer(jobs: readonly ClaimedJob[]): void;
  /** Starts the job that has waited longest in the buffer; undefined for an empty one. */
  start(): StartedJob | undefined;
}

export interface StartedJob {
  readonly job: ClaimedJob;
  readonly abort: JobAbort;
  ended(): void;
}

/** @param unwritten the lease tokens of attempts that ended, and whose outcome is not written yet */
export function createHeldJobs(unwritten: () => readonly string[]): HeldJobs {
  const shares = new Map<string, Share>();
  let whenIdle: (() => void)[] = [];
  const everyShare = () => [...shares.values()];
  const isIdle = () => everyShare().every((share) => share.running === 0);

  const onEnd = () => {
    if (whenIdle.length === 0 || !isIdle()) return;
    for (const resolve of whenIdle) resolve();
    whenIdle = [];
  };

  return {
    share(queue) {
      const share = shares.get(queue) ?? new Share(onEnd);
      shares.set(queue, share);
      return share;
    },
    holdsSuspect: () => everyShare().some((share) => share.jobs().some(({ suspect }) => suspect)),
    bufferedBytes: () => everyShare().reduce((sum, share) => sum + share.bufferedBytes, 0),
    leaseTokens() {
      const jobs = everyShare().flatMap((share) => share.jobs());
      return new Set([...jobs.map(({ leaseToken }) => leaseToken), ...unwritten()]);
    },
    abort(reason, jobIds) {
      const ids = jobIds === undefined ? null : new Set(jobIds);
      for (const share of shares.values()) share.abort(reason, ids);
    },
    takeBuffered(jobIds) {
      const ids = jobIds === undefined ? null : new Set(jobIds);
      return everyShare().flatMap((share) => share.takeBuffered(ids));
    },
    async idle() {
      if (!isIdle()) await new Promise<void>((resolve) => whenIdle.push(resolve));
    },
  };
}

class Share implements QueueShare {
  readonly #onEnd: () => void;
  readonly #running = new Map<string, StartedJob>();
  #buffer: ClaimedJob[] = [];
  /** Those before it have started: taken out all together, since each `shift` would move the rest. */
  #next = 0;
  #bufferedBytes = 0;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  get buffered(): number {
    return this.#buffer.length - this.#next;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  get running(): number {
    return this.#running.size;
  }

  jobs(): ClaimedJob[] {
    return [...this.#waiting(), ...[...this.#running.values()].map(({ job }) => job)];
  }

  buffer(jobs: readonly ClaimedJob[]): void {
    this.#buffer = [...this.#waiting(), ...jobs];
    this.#next = 0;
    this.#bufferedBytes += bytesOf(jobs);
  }

  start(): StartedJob | undefined {
    const job = this.#buffer[this.#next];
    if (job === undefined) return undefined;
    this.#next += 1;
    this.#bufferedBytes -= job.payloadBytes;
    const started = new Started(job, this.#running, this.#onEnd);
    this.#running.set(job.leaseToken, started);
    return started;
  }

  #waiting(): ClaimedJob[] {
    return this.#buffer.slice(this.#next);
  }

  abort(reason: AbortReason, ids: ReadonlySet<string> | null): void {
    for (const { job, abort } of this.#running.values()) {
      if (ids === null || ids.has(job.id)) abort.abort(reason);
    }
  }

  takeBuffered(ids: ReadonlySet<string> | null): ClaimedJob[] {
    const waiting = this.#waiting();
    const taken = waiting.filter(({ id }) => ids === null || ids.has(id));
    if (taken.length > 0) {
      this.#buffer = waiting.filter(({ id }) => ids !== null && !ids.has(id));
      this.#next = 0;
      this.#bufferedBytes -= bytesOf(taken);
    }
    return taken;
  }
}

class Started implements StartedJob {
  readonly job: ClaimedJob;
  readonly abort = createJobAbort();
  readonly #running: Map<string, StartedJob>;
  readonly #onEnd: () => void;

  constructor(job: ClaimedJob, running: Map<string, StartedJob>, onEnd: () => void) {
    this.job = job;
    this.#running = running;
    this.#onEnd = onEnd;
  }

  ended(): void {
    this.#running.delete(this.job.leaseToken);
    this.#onEnd();
  }
}

/** Payload bytes of jobs. */
export function bytesOf(jobs: readonly ClaimedJob[]): number {
  return jobs.reduce((sum, { payloadBytes }) => sum + payloadBytes, 0);
}
