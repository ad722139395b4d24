import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clampDelay,
  defaultMaxAttempts,
  defaultRetryPolicy,
  maxRetryDelayMs,
  type RetryPolicy,
  retryDelayMs,
  retryPolicyFault,
} from '../../../src/domain/retry-policy.ts';

/** The number that makes chance add and take away nothing. */
const middle = 0.5;
/** The largest number below 1: what `random` comes closest to. */
const nearlyOne = 1 - Number.EPSILON / 2;

const exponential = {
  kind: 'exponential',
  baseMs: 1_000,
  factor: 2,
  maxMs: 3_600_000,
  jitter: 0,
} as const;
const linear = { kind: 'linear', baseMs: 500, stepMs: 250, maxMs: 2_000, jitter: 0 } as const;
const fixed = { kind: 'fixed', delayMs: 1_500, jitter: 0 } as const;

const delays = (policy: RetryPolicy, ...failures: number[]) =>
  failures.map((count) => retryDelayMs(policy, count, middle));

describe('exact delays', () => {
  it('exponential: base times factor to the power, up to the maximum', () => {
    expect(delays(exponential, 1, 2, 3, 4, 11, 12, 13, 14)).toStrictEqual([
      1_000, 2_000, 4_000, 8_000, 1_024_000, 2_048_000, 3_600_000, 3_600_000,
    ]);
    expect(delays({ ...exponential, factor: 1.5 }, 1, 2, 3)).toStrictEqual([1_000, 1_500, 2_250]);
    expect(delays({ ...exponential, factor: 1 }, 1, 9)).toStrictEqual([1_000, 1_000]);
  });

  it('linear: base and a step for every further failure, up to the maximum', () => {
    expect(delays(linear, 1, 2, 3, 7, 8)).toStrictEqual([500, 750, 1_000, 2_000, 2_000]);
  });

  it('fixed: always the same', () => {
    expect(delays(fixed, 1, 2, 1_000)).toStrictEqual([1_500, 1_500, 1_500]);
  });

  it('custom: what the worker answered, and else the default policy', () => {
    expect(retryDelayMs({ kind: 'custom' }, 3, middle, 42)).toBe(42);
    expect(delays({ kind: 'custom' }, 1, 2, 5)).toStrictEqual(delays(defaultRetryPolicy, 1, 2, 5));
  });

  it('an answered delay goes before every policy, and chance leaves it alone', () => {
    for (const policy of [exponential, linear, fixed]) {
      expect(retryDelayMs({ ...policy, jitter: 1 }, 3, 0.9, 42)).toBe(42);
      expect(retryDelayMs(policy, 3, 0, 0)).toBe(0);
    }
  });

  it('default: 1 s, 2 s, 4 s, ... up to an hour, give or take a tenth', () => {
    expect(delays(defaultRetryPolicy, 1, 2, 3, 12, 13)).toStrictEqual([
      1_000, 2_000, 4_000, 2_048_000, 3_600_000,
    ]);
    expect(retryDelayMs(defaultRetryPolicy, 1, 0)).toBe(900);
    expect(retryDelayMs(defaultRetryPolicy, 1, nearlyOne)).toBe(1_100);
  });

  it('default: ten attempts have nine delays between them, 8.5 minutes in all', () => {
    expect(defaultMaxAttempts).toBe(10);
    const between = Array.from({ length: defaultMaxAttempts - 1 }, (_, index) => index + 1);
    const sum = delays(defaultRetryPolicy, ...between).reduce((total, delay) => total + delay, 0);
    expect(sum).toBe(511_000);
  });
});

describe('jitter', () => {
  it('takes away the share at 0 and adds it just below 1, in whole ms', () => {
    const policy = { ...fixed, delayMs: 1_001, jitter: 0.25 };
    expect(retryDelayMs(policy, 1, 0)).toBe(751);
    expect(retryDelayMs(policy, 1, middle)).toBe(1_001);
    expect(retryDelayMs(policy, 1, nearlyOne)).toBe(1_251);
  });

  it('applies to every kind', () => {
    expect(retryDelayMs({ ...exponential, jitter: 0.5 }, 2, 0)).toBe(1_000);
    expect(retryDelayMs({ ...linear, jitter: 0.5 }, 3, 0)).toBe(500);
    expect(retryDelayMs({ ...fixed, jitter: 0.5 }, 3, 0)).toBe(750);
  });

  it('takes away from what has reached the maximum, and adds nothing to it', () => {
    const spread = { ...exponential, jitter: 0.1 };
    expect(retryDelayMs(spread, 99, 0)).toBe(3_240_000);
    expect(retryDelayMs(spread, 99, middle)).toBe(3_600_000);
    expect(retryDelayMs(spread, 99, nearlyOne)).toBe(3_600_000);
    // The seventh linear delay is the maximum by itself.
    expect(retryDelayMs({ ...linear, jitter: 0.1 }, 7, 0)).toBe(1_800);
    expect(retryDelayMs({ ...linear, jitter: 0.1 }, 7, nearlyOne)).toBe(2_000);
    // 1,750 ms and a tenth of it are below the maximum, and a half of it is not.
    expect(retryDelayMs({ ...linear, jitter: 0.1 }, 6, nearlyOne)).toBe(1_925);
    expect(retryDelayMs({ ...linear, jitter: 0.5 }, 6, nearlyOne)).toBe(2_000);
  });

  it('never leads past the maximum of a policy that has one', () => {
    const failures = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(reasonablePolicies(), failures, unit(), (policy, n, random) => {
        const maxMs = policy.kind === 'fixed' ? Infinity : policy.maxMs;
        expect(retryDelayMs(policy, n, random)).toBeLessThanOrEqual(maxMs);
      }),
      { numRuns: 1_000 },
    );
  });

  it('stays within its share, and grows with the number drawn', () => {
    const policies = reasonablePolicies();
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 60 }), unit(), unit(), (policy, n, a, b) => {
        const nominal = retryDelayMs({ ...policy, jitter: 0 }, n, middle);
        const low = retryDelayMs(policy, n, Math.min(a, b));
        const high = retryDelayMs(policy, n, Math.max(a, b));
        // The nominal delay is rounded before it is doubled here at the most, and the delay itself.
        expect(low).toBeGreaterThanOrEqual(nominal * (1 - policy.jitter) - 1.5);
        expect(high).toBeLessThanOrEqual(nominal * (1 + policy.jitter) + 1.5);
        expect(low).toBeLessThanOrEqual(high);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('whatever the policy', () => {
  it('the delay is a whole number of ms between none and the longest', () => {
    const anyNumber = fc.oneof(fc.double(), fc.constantFrom(0, 1e300, 1e-300, Infinity, NaN));
    const maxMs = fc.oneof(fc.nat(), fc.constantFrom(Infinity, Number.MAX_VALUE));
    const policy = fc.oneof(
      fc.record({
        kind: fc.constant('exponential' as const),
        baseMs: anyNumber,
        factor: anyNumber,
        maxMs,
        jitter: anyNumber,
      }),
      fc.record({
        kind: fc.constant('linear' as const),
        baseMs: anyNumber,
        stepMs: anyNumber,
        maxMs,
        jitter: anyNumber,
      }),
      fc.record({ kind: fc.constant('fixed' as const), delayMs: anyNumber, jitter: anyNumber }),
      fc.constant({ kind: 'custom' as const }),
    );
    const failures = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(policy, failures, unit(), fc.option(anyNumber), (chosen, n, random, custom) => {
        const delay = retryDelayMs(chosen, n, random, custom ?? undefined);
        expect(Number.isInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(maxRetryDelayMs);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([Number.NaN, -1, 1_500.5])('also where the maximum is %d', (maxMs) => {
    for (const policy of [exponential, linear]) {
      const delay = retryDelayMs({ ...policy, maxMs }, 20, middle);
      expect(Number.isInteger(delay) && delay >= 0).toBe(true);
    }
  });

  it('a huge number of failures gives the maximum', () => {
    for (const failures of [100, 1_100, 1e9, Number.MAX_SAFE_INTEGER]) {
      expect(retryDelayMs(exponential, failures, middle)).toBe(3_600_000);
      expect(retryDelayMs({ ...exponential, factor: 1e6 }, failures, middle)).toBe(3_600_000);
      expect(retryDelayMs(linear, failures, middle)).toBe(2_000);
      expect(retryDelayMs(fixed, failures, middle)).toBe(1_500);
      expect(retryDelayMs({ kind: 'custom' }, failures, middle)).toBe(3_600_000);
    }
  });

  it('no delay is longer than 366 days', () => {
    expect(maxRetryDelayMs).toBe(31_622_400_000);
    const endless = { ...exponential, maxMs: Number.MAX_VALUE };
    expect(retryDelayMs(endless, 1_000, middle)).toBe(maxRetryDelayMs);
    expect(retryDelayMs(fixed, 1, middle, Infinity)).toBe(maxRetryDelayMs);
    expect(retryDelayMs(fixed, 1, middle, maxRetryDelayMs + 1)).toBe(maxRetryDelayMs);
  });

  it('an answered delay that is NaN or negative means at once', () => {
    for (const answer of [Number.NaN, -1, -Infinity, -0.4]) {
      // Object.is, so that no -0 gets into an event: JSON would not give it back.
      expect(Object.is(retryDelayMs(fixed, 1, middle, answer), 0)).toBe(true);
    }
  });

  it('an answered fraction is rounded to whole ms', () => {
    expect(retryDelayMs(fixed, 1, middle, 1.4)).toBe(1);
    expect(retryDelayMs(fixed, 1, middle, 1.5)).toBe(2);
  });
});

describe('clampDelay', () => {
  it.each([
    [0, 0],
    [1, 1],
    [1.4, 1],
    [1.5, 2],
    [maxRetryDelayMs, maxRetryDelayMs],
    [maxRetryDelayMs + 1, maxRetryDelayMs],
    [Infinity, maxRetryDelayMs],
    [-1, 0],
    [-Infinity, 0],
    [Number.NaN, 0],
  ])('makes whole ms of %d: %d', (asked, delayMs) => {
    expect(clampDelay(asked)).toBe(delayMs);
  });

  it.each([undefined, {}, 'soon', Promise.resolve(5)])('makes none of %j', (asked) => {
    expect(clampDelay(asked as unknown as number)).toBe(0);
  });

  it('never gives -0, which JSON would not give back', () => {
    for (const asked of [-0, -0.4, -1]) expect(Object.is(clampDelay(asked), 0)).toBe(true);
  });
});

describe('what is wrong with a policy', () => {
  it.each<RetryPolicy>([
    exponential,
    linear,
    fixed,
    { kind: 'custom' },
    { kind: 'fixed', delayMs: 0, jitter: 0 },
    { kind: 'fixed', delayMs: maxRetryDelayMs, jitter: 1 },
    { ...exponential, baseMs: 0, maxMs: maxRetryDelayMs, factor: 1, jitter: 0 },
    { ...exponential, factor: 100 },
    { ...linear, baseMs: 0, stepMs: 0, maxMs: 0 },
  ])('is nothing: %j', (policy) => {
    expect(retryPolicyFault(policy)).toBeNull();
  });

  const wrongTimes = [-1, maxRetryDelayMs + 1, Number.NaN, '5', undefined, null];
  it.each([
    [exponential, 'baseMs'],
    [exponential, 'maxMs'],
    [linear, 'baseMs'],
    [linear, 'stepMs'],
    [linear, 'maxMs'],
    [fixed, 'delayMs'],
  ] as const)('is a time that is none or too long: %j, %s', (policy, name) => {
    for (const time of wrongTimes) {
      const wrong = { ...policy, [name]: time } as unknown as RetryPolicy;
      expect(retryPolicyFault(wrong)).toBe(`${name} must be 0 ms to 366 days`);
    }
  });

  it.each([0, 0.99, 100.01, Infinity, Number.NaN, '2'])('is a factor of %j', (factor) => {
    const wrong = { ...exponential, factor } as unknown as RetryPolicy;
    expect(retryPolicyFault(wrong)).toBe('factor must be 1 to 100');
    // Others have none, whatever stands there.
    expect(retryPolicyFault({ ...linear, factor } as unknown as RetryPolicy)).toBeNull();
  });

  it.each([-0.01, 1.01, Number.NaN, '0', undefined])('is a jitter of %j', (jitter) => {
    for (const policy of [exponential, linear, fixed]) {
      const wrong = { ...policy, jitter } as unknown as RetryPolicy;
      expect(retryPolicyFault(wrong)).toBe('jitter must be 0 to 1');
    }
  });

  it.each(['', 'Custom', 'exponental', undefined])('is the kind %j', (kind) => {
    const wrong = { ...fixed, kind } as unknown as RetryPolicy;
    expect(retryPolicyFault(wrong)).toBe('kind must be exponential, linear, fixed or custom');
  });
});

/** A number in [0, 1), as `random` is. */
function unit() {
  return fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
}

function reasonablePolicies() {
  const ms = fc.integer({ min: 0, max: 10_000_000 });
  const jitter = fc.double({ min: 0, max: 1, noNaN: true });
  const factor = fc.double({ min: 1, max: 10, noNaN: true });
  return fc.oneof(
    fc.record({
      kind: fc.constant('exponential' as const),
      baseMs: ms,
      factor,
      maxMs: ms,
      jitter,
    }),
    fc.record({ kind: fc.constant('linear' as const), baseMs: ms, stepMs: ms, maxMs: ms, jitter }),
    fc.record({ kind: fc.constant('fixed' as const), delayMs: ms, jitter }),
  );
}
