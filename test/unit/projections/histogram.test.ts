import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxElapsedMs } from '../../../src/domain/job/elapsed.ts';
import {
  countOf,
  quantileMs,
  slotBeginningsMs,
  slotOf,
} from '../../../src/projections/job-metrics/histogram.ts';

/** Times of every order of size, as often short as long. */
const elapsedMs = fc
  .tuple(fc.integer({ min: 0, max: 31 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([octave, share]) => Math.min(Math.floor(2 ** octave * (1 + share)) - 1, maxElapsedMs));

function histogramOf(times: readonly number[]): number[] {
  const counts: number[] = [];
  for (const time of times) {
    const slot = slotOf(time);
    while (counts.length <= slot) counts.push(0);
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  return counts;
}

describe('the slots', () => {
  it('begin where they began before: stored histograms are read by them', () => {
    expect(slotBeginningsMs).toHaveLength(119);
    expect(slotBeginningsMs.slice(0, 16)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 23, 27, 32,
    ]);
    expect(slotBeginningsMs.slice(-3)).toEqual([1_276_901_417, 1_518_500_250, 1_805_811_302]);
  });

  it('take every time from 0 ms to 24 days', () => {
    expect([0, 1, 9, 10, maxElapsedMs].map(slotOf)).toEqual([0, 1, 8, 9, 119]);
  });

  it('hold the times from one beginning to the next', () => {
    fc.assert(
      fc.property(elapsedMs, (time) => {
        const slot = slotOf(time);
        expect(slotBeginningsMs[slot - 1] ?? 0).toBeLessThanOrEqual(time);
        expect(slotBeginningsMs[slot] ?? Infinity).toBeGreaterThan(time);
      }),
    );
  });
});

describe('quantileMs', () => {
  it('is at most 19 % off the exact quantile', () => {
    const times = fc.array(elapsedMs, { minLength: 1, maxLength: 300 });
    const share = fc.oneof(
      fc.constantFrom(0.5, 0.95, 0.99, 1),
      fc.double({ min: 0.001, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(times, share, (given, part) => {
        const sorted = given.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(part * given.length)) - 1] ?? NaN;
        const found = quantileMs(histogramOf(given), part) ?? NaN;
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.19);
      }),
      { numRuns: 1_000 },
    );
  });

  it('of added histograms is as good as of one', () => {
    const times = fc.array(elapsedMs, { maxLength: 50 });
    fc.assert(
      fc.property(times, times, (some, others) => {
        const [a, b] = [histogramOf(some), histogramOf(others)];
        const length = Math.max(a.length, b.length);
        const sum = Array.from({ length }, (_, slot) => (a[slot] ?? 0) + (b[slot] ?? 0));
        expect(sum).toEqual(histogramOf([...some, ...others]));
        expect(countOf(sum)).toBe(some.length + others.length);
      }),
    );
  });

  it('lies between the times of a slot by rank', () => {
    // 100 times somewhere in [1024, 1217].
    const histogram = histogramOf(Array.from({ length: 100 }, () => 1_100));
    expect(quantileMs(histogram, 0.01)).toBe(1_025);
    expect(quantileMs(histogram, 0.5)).toBe(1_120);
    expect(quantileMs(histogram, 1)).toBe(1_216);
  });

  it('is null where nothing was timed', () => {
    expect(quantileMs([], 0.5)).toBeNull();
    expect(quantileMs([0, 0], 0.5)).toBeNull();
  });
});
