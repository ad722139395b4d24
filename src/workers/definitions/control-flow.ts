/** What a handler returns to run again later without a failure. */
export class Snooze {
  readonly delayMs: number;

  constructor(delayMs: number) {
    this.delayMs = delayMs;
  }
}

/**
 * `return snooze(60_000)`: the job waits so many ms and runs again, and no attempt is burnt.
 * @param delayMs ms from now, by the database's clock
 */
export function snooze(delayMs: number): Snooze {
  return new Snooze(Math.max(0, Math.round(delayMs)));
}

/** Thrown by a handler, it makes the job dead at once: trying again would not help. */
export class NotRetryableError extends Error {
  readonly retryable = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NotRetryableError';
  }
}

/** False for an error, of whatever class, that says `retryable: false`. */
export function isRetryable(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null) return true;
  try {
    return !('retryable' in thrown) || thrown.retryable !== false;
  } catch {
    // A value that refuses to be looked at has not said that trying again is of no use.
    return true;
  }
}
