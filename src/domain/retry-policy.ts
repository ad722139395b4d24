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
    case 'exponential':
      return spread(policy.baseMs * policy.factor ** (failures - 1), policy, random);
    case 'linear':
      return spread(policy.baseMs + policy.stepMs * (failures - 1), policy, random);
    case 'fixed':
      return spread(policy.delayMs, { maxMs: maxRetryDelayMs, jitter: policy.jitter }, random);
    case 'custom':
      return retryDelayMs(defaultRetryPolicy, failures, random);
  }
}

/** Capped before the jitter, so that jobs at the maximum do not all come back at once, and after it. */
function spread(
  delayMs: number,
  { maxMs, jitter }: { readonly maxMs: number; readonly jitter: number },
  random: number,
): number {
  const jittered = Math.min(maxMs, delayMs) * (1 + jitter * (2 * random - 1));
  return clampDelay(Math.min(maxMs, jittered));
}

/** A delay as whole ms from 0 to `maxRetryDelayMs`; what is no number means at once. */
export function clampDelay(delayMs: number): number {
  return delayMs > 0 ? Math.round(Math.min(delayMs, maxRetryDelayMs)) : 0;
}

/** What is wrong with a policy, in words; null for nothing. For callers that types do not hold. */
export function retryPolicyFault(policy: RetryPolicy): string | null {
  if (policy.kind === 'custom') return null;
  const times = {
    exponential: ['baseMs', 'maxMs'],
    linear: ['baseMs', 'stepMs', 'maxMs'],
    fixed: ['delayMs'],
  };
  const names = times[policy.kind] as string[] | undefined;
  if (names === undefined) return 'kind must be exponential, linear, fixed or custom';
  const given = policy as unknown as Record<string, unknown>;
  const wrong = names.find((name) => !isWithin(given[name], 0, maxRetryDelayMs));
  if (wrong !== undefined) return `${wrong} must be 0 ms to 366 days`;
  if (policy.kind === 'exponential' && !isWithin(policy.factor, 1, 100)) {
    return 'factor must be 1 to 100';
  }
  return isWithin(policy.jitter, 0, 1) ? null : 'jitter must be 0 to 1';
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max;
}
