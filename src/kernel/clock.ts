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
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
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
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
};
