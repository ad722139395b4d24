/**
 * When a failed job runs again. `custom` leaves the delay to the worker's definition of the type;
 * where none is at hand (a worker over HTTP that names no delay) the default policy decides.
 * All delays are ms; `jitter` is the share of the delay that chance may take away or add (0 to 1).
 */
export type RetryPolicy =
  | {
      readonly kind: 'exponential';
      readonly baseMs: number;
      readonly factor: number;
      readonly maxMs: number;
      readonly jitter: number;
    }
  | {
      readonly kind: 'linear';
      readonly baseMs: number;
      readonly stepMs: number;
      readonly maxMs: number;
      readonly jitter: number;
    }
  | { readonly kind: 'fixed'; readonly delayMs: number; readonly jitter: number }
  | { readonly kind: 'custom' };

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** 1 s, 2 s, 4 s, ... up to an hour, each give or take a tenth: some 9 minutes for ten attempts. */
export const defaultRetryPolicy: RetryPolicy = {
  kind: 'exponential',
  baseMs: SECOND,
  factor: 2,
  maxMs: HOUR,
  jitter: 0.1,
};

/** The longest delay any policy may give: 366 days, in ms. */
export const maxRetryDelayMs = 366 * 24 * HOUR;

/** Attempts a job has where its submission names no number. */
export const defaultMaxAttempts = 10;

/**
 * The delay in whole ms before the attempt that follows failure number `failures`.
 * @param failures how often the job has failed, this time included; from 1
 * @param random a number in [0, 1)
 * @param customDelayMs what the definition's own function answered, for `custom`
 */
export function retryDelayMs(
  policy: RetryPolicy,
  failures: number,
  random: number,
  customDelayMs?: number,
): number {
  if (customDelayMs !== undefined) return clampDelay(customDelayMs);
  switch (policy.kind) {
    case 'exponential': {
      const delayMs = policy.baseMs * policy.factor ** (failures - 1);
      return Math.min(
        policy.maxMs,
        withJitter(Math.min(policy.maxMs, delayMs), policy.jitter, random),
      );
    }
    case 'linear':
      return Math.min(
        policy.maxMs,
        withJitter(policy.baseMs + policy.stepMs * (failures - 1), policy.jitter, random),
      );
    case 'fixed':
      return withJitter(policy.delayMs, policy.jitter, random);
    case 'custom':
      return retryDelayMs(defaultRetryPolicy, failures, random);
  }
}

function withJitter(delayMs: number, jitter: number, random: number): number {
  return clampDelay(delayMs * (1 + jitter * (2 * random - 1)));
}

/** A delay as whole ms from 0 to `maxRetryDelayMs`; what is no number means at once. */
export function clampDelay(delayMs: number): number {
  if (Number.isNaN(delayMs)) return 0;
  return Math.round(Math.min(Math.max(delayMs, 0), maxRetryDelayMs));
}
