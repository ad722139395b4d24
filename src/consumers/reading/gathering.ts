import type { Clock } from '../../kernel/clock.ts';

/** For each ms of work, so many of rest, while the log goes on growing. */
const IDLE_SHARE = 2;

/**
 * The pause of a reader that has reached the end of the log. After a batch that took long it is a long one:
 * the larger the next batch is, the more of a job's events fall into it together, and are written as
 * one row. Once the log stands still nothing more is to be gathered, and the rest of it is read.
 */
export interface Gathering {
  /** Says that the log has grown. */
  grew(): void;
  /** Resolves when it is time to read on, or at once if `signal` aborts. @param tookMs the last batch */
  rest(tookMs: number, signal: AbortSignal): Promise<void>;
}

/** @param everyMs from the start of one batch to the next at least; a log that long without growth stands still */
export function createGathering(clock: Clock, everyMs: number): Gathering {
  let grewAt = clock.elapsedMs();
  return {
    grew() {
      grewAt = clock.elapsedMs();
    },
    async rest(tookMs, signal) {
      const restsAt = clock.elapsedMs();
      const least = restsAt + everyMs - tookMs;
      const most = restsAt + tookMs * IDLE_SHARE;
      for (;;) {
        const until = Math.max(least, Math.min(most, grewAt + everyMs));
        const leftMs = until - clock.elapsedMs();
        if (leftMs <= 0 || signal.aborted) return;
        await clock.sleep(leftMs, signal);
      }
    },
  };
}
