import type { Clock } from '../../kernel/clock.ts';

/** How much work to hold ahead, in ms of it: enough to hide a claim's round trip, no more. */
const AHEAD_MS = 150;
const WINDOW_MS = 500;

/**
 * How many jobs to claim beyond those that run: what is finished in `AHEAD_MS` at the present rate.
 * Quick jobs come in hundreds; of slow ones none is taken from other workers before its turn.
 */
export interface Prefetch {
  finished(): void;
  target(): number;
}

export function createPrefetch(clock: Clock, max: number): Prefetch {
  let windowStart = clock.elapsedMs();
  let count = 0;
  let perMs = 0;
  const roll = () => {
    const age = clock.elapsedMs() - windowStart;
    if (age < WINDOW_MS / 10) return;
    // The present window counts as soon as it says more than the last one did.
    const rate = count / age;
    if (age >= WINDOW_MS || rate > perMs) perMs = rate;
    if (age >= WINDOW_MS) {
      windowStart = clock.elapsedMs();
      count = 0;
    }
  };
  return {
    finished() {
      count += 1;
    },
    target() {
      roll();
      return Math.min(max, Math.floor(perMs * AHEAD_MS));
    },
  };
}
