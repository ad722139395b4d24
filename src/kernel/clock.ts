/**
 * Where a process reads the time from. Daybook takes every time that is written down from the
 * database; this clock only paces loops and measures durations, so a wrong one harms nobody.
 */
export interface Clock {
  /** Wall time in ms since the Unix epoch. */
  nowMs(): number;
  /** A monotonic reading in ms, for durations only. */
  elapsedMs(): number;
  /** Resolves after `ms`, or as soon as `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms`; answers how to call it off. Cheaper than `sleep` where many wait. */
  after(ms: number, callback: () => void): () => void;
}

/** Node takes a longer time for none at all: 2^31 - 1 ms, some 24 days. */
const LONGEST_MS = 2_147_483_647;

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, Math.min(ms, LONGEST_MS));
    return () => clearTimeout(timer);
  },
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(ms, LONGEST_MS));
      signal?.addEventListener('abort', done, { once: true });
    }),
};
