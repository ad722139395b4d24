import type { Clock } from '../kernel/clock.ts';

/** A clock that stands still until it is told to go on. */
export interface FakeClock extends Clock {
  /**
   * Moves time on; what waits for a moment until then happens now, in order. What starts to wait only
   * because of that, once promises have settled, needs another call.
   */
  advance(ms: number): void;
}

interface Alarm {
  readonly at: number;
  readonly ring: () => void;
}

/**
 * A fake for what paces Daybook's loops. It does not move the database's time, which decides when a
 * job is due: bring a job of the future forward with `retry` or `reschedule`, then `drain`.
 * @param startMs ms since the epoch
 */
export function createFakeClock(startMs = 0): FakeClock {
  let now = startMs;
  let alarms: Alarm[] = [];
  const after = (ms: number, ring: () => void) => {
    const alarm = { at: now + ms, ring };
    alarms.push(alarm);
    return () => {
      alarms = alarms.filter((each) => each !== alarm);
    };
  };
  return {
    nowMs: () => now,
    elapsedMs: () => now - startMs,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const done = () => {
          cancel();
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const cancel = after(ms, done);
        signal?.addEventListener('abort', done, { once: true });
      }),
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const next = alarms.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        alarms = alarms.filter((each) => each !== next);
        now = Math.max(now, next.at);
        next.ring();
      }
      now = until;
    },
  };
}
