export interface Backoff {
  /** The next pause in ms; grows with every call until `reset`. */
  nextMs(): number;
  reset(): void;
}

/**
 * Exponential back-off with equal jitter (half fixed, half chance) for Daybook's own loops, so that many processes do not come
 * back at the same moment (M. Brooker, "Exponential Backoff and Jitter", AWS, 2015).
 * @param random a number in [0, 1)
 */
export function createBackoff(baseMs: number, maxMs: number, random: () => number): Backoff {
  let tries = 0;
  return {
    nextMs() {
      const ceiling = Math.min(maxMs, baseMs * 2 ** tries);
      tries = Math.min(tries + 1, 30);
      return Math.ceil(ceiling / 2 + (ceiling / 2) * random());
    },
    reset() {
      tries = 0;
    },
  };
}
