import { hasEnded } from '../../domain/job/state.ts';
import type { Clock } from '../../kernel/clock.ts';
import { isDaybookError } from '../../kernel/errors.ts';
import type { Executor } from '../../store/statement.ts';
import type { WakeUp } from '../../store/wake-up.ts';
import { type LoadedJob, loadJobs } from './load-jobs.ts';

/**
 * Looks after the jobs that callers of this process wait for, all of them with one read per round:
 * with a read for each, five hundred that wait would take the pool from everybody else.
 */
export interface JobWatch {
  /** Begins to watch; what happens to the job from now on is seen. Whoever begins calls `leave`. */
  enter(id: string): JobWatcher;
}

export interface JobWatcher {
  /**
   * The job once it has ended; null if the signal aborts first, or the job is gone.
   * @throws DaybookError `database-unavailable` when it cannot be looked at
   */
  ended(signal: AbortSignal): Promise<LoadedJob | null>;
  leave(): void;
}

export interface JobWatchOptions {
  readonly database: Executor;
  readonly tenantId: number;
  readonly wakeUp: Pick<WakeUp, 'on'>;
  readonly clock: Clock;
}

/** Jobs are looked at no more often than this, however many hints come. */
const LOOK_EVERY_MS = 10;
/** And at least this often, without any hint. */
const POLL_MS = 500;
/** Jobs in one read. */
const BATCH = 1_000;

export function createJobWatch(options: JobWatchOptions): JobWatch {
  return new Watch(options);
}

interface Watcher {
  readonly id: string;
  settle(job: LoadedJob | null): void;
  fail(error: unknown): void;
}

/** idle -> watching (the first enters) -> idle (the last has left). */
class Watch implements JobWatch {
  readonly #options: JobWatchOptions;
  readonly #watchers = new Set<Watcher>();
  #watching = false;
  #hinted = false;
  #endPause: () => void = () => undefined;

  constructor(options: JobWatchOptions) {
    this.#options = options;
  }

  enter(id: string): JobWatcher {
    const { promise, resolve, reject } = settlable();
    // Whoever leaves early does not wait for it.
    promise.catch(() => undefined);
    const watcher: Watcher = { id: id.toLowerCase(), settle: resolve, fail: reject };
    this.#watchers.add(watcher);
    if (!this.#watching) void this.#watch();
    return {
      async ended(signal) {
        const abort = () => resolve(null);
        if (signal.aborted) abort();
        signal.addEventListener('abort', abort, { once: true });
        return promise.finally(() => signal.removeEventListener('abort', abort));
      },
      leave: () => {
        this.#watchers.delete(watcher);
        if (this.#watchers.size === 0) this.#endPause();
      },
    };
  }

  async #watch(): Promise<void> {
    const { wakeUp, clock } = this.#options;
    this.#watching = true;
    const stops = (['inbox', 'log'] as const).map((topic) => wakeUp.on(topic, () => this.#hint()));
    while (this.#watchers.size > 0) {
      if (!this.#hinted) await this.#pause();
      this.#hinted = false;
      const watchers = [...this.#watchers];
      for (let first = 0; first < watchers.length; first += BATCH) {
        await this.#look(watchers.slice(first, first + BATCH));
      }
      if (this.#watchers.size > 0) await clock.sleep(LOOK_EVERY_MS);
    }
    for (const stop of stops) stop();
    this.#watching = false;
  }

  #hint(): void {
    this.#hinted = true;
    this.#endPause();
  }

  /** Until a hint comes, or the last watcher leaves. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(POLL_MS, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }

  async #look(watchers: readonly Watcher[]): Promise<void> {
    const { database, tenantId } = this.#options;
    try {
      const ids = watchers.map(({ id }) => id);
      const loaded = await loadJobs(database, tenantId, ids);
      for (const { id, settle } of watchers) {
        const job = loaded.get(id);
        if (job === undefined || hasEnded(job.state)) settle(job ?? null);
      }
    } catch (error) {
      // A stream that cannot be folded is to be no trouble of those who wait for another.
      const apart = watchers.length > 1 && !isDaybookError(error);
      if (apart) for (const each of watchers) await this.#look([each]);
      else for (const { fail } of watchers) fail(error);
    }
  }
}

function settlable() {
  let resolve: (job: LoadedJob | null) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<LoadedJob | null>((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  return { promise, resolve, reject };
}
