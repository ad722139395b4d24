import { type Clock, systemClock } from '../../src/kernel/clock.ts';

/** What lasts longer than this is a wait, and no more than a moment. */
const MOMENT_MS = 1_000;

/**
 * A clock on which nobody waits: what sleeps wakes at once and finds that its time has passed, and a
 * second at least, so that what looks again and again looks a few times only. Call-backs that are due
 * after more than a second come in a thousandth of it.
 */
export function createHastyClock(): Clock {
  let skippedMs = 0;
  return {
    nowMs: () => systemClock.nowMs() + skippedMs,
    elapsedMs: () => systemClock.elapsedMs() + skippedMs,
    sleep: (ms, signal) => {
      if (signal?.aborted !== true) skippedMs += Math.max(ms, MOMENT_MS);
      return new Promise((resolve) => void setImmediate(resolve));
    },
    after: (ms, callback) => systemClock.after(ms > MOMENT_MS ? ms / 1_000 : ms, callback),
  };
}
