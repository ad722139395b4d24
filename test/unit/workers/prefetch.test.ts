import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';
import { createPrefetch } from '../../../src/workers/claiming/prefetch.ts';

function setUp(max = 1_000) {
  const clock = createFakeClock(1_000_000);
  const prefetch = createPrefetch(clock, max);
  /** So many jobs finish within so many ms; answers what to hold ahead then. */
  const after = (jobs: number, ms: number): number => {
    for (let finished = 0; finished < jobs; finished += 1) prefetch.finished();
    clock.advance(ms);
    return prefetch.target();
  };
  return { clock, prefetch, after };
}

describe('what to hold ahead', () => {
  it('is nothing before anything has finished', () => {
    const { prefetch, after } = setUp();
    expect(prefetch.target()).toBe(0);
    expect(after(0, 10_000)).toBe(0);
  });

  it('is what finishes in 150 ms', () => {
    expect(setUp().after(100, 100)).toBe(150);
    expect(setUp().after(500, 500)).toBe(150);
    expect(setUp().after(300, 100)).toBe(450);
  });

  it('is nothing where jobs are slow: they are left to other workers until their turn', () => {
    expect(setUp().after(3, 500)).toBe(0);
    const { after } = setUp();
    for (let second = 0; second < 10; second += 1) expect(after(6, 1_000)).toBe(0);
  });

  it('is rounded down to whole jobs', () => {
    expect(setUp().after(4, 500)).toBe(1);
    expect(setUp().after(6, 500)).toBe(1);
    expect(setUp().after(7, 500)).toBe(2);
  });

  it('is the maximum at the most', () => {
    expect(setUp(40).after(1_000, 100)).toBe(40);
    expect(setUp(0).after(1_000, 100)).toBe(0);
  });

  it('waits for 50 ms, because less says nothing', () => {
    const { after } = setUp();
    expect(after(49, 49)).toBe(0);
    expect(after(1, 1)).toBe(150);
  });

  it('grows at once when jobs become quick', () => {
    const { after } = setUp();
    expect(after(50, 500)).toBe(15);
    expect(after(100, 100)).toBe(150);
  });

  it('shrinks when jobs become slow, once half a second tells', () => {
    const { after } = setUp();
    expect(after(500, 500)).toBe(150);
    expect(after(10, 499)).toBe(150);
    expect(after(0, 1)).toBe(3);
    expect(after(0, 500)).toBe(0);
  });

  it('is nothing after a long time without jobs', () => {
    const { after } = setUp();
    expect(after(500, 500)).toBe(150);
    expect(after(0, 3_600_000)).toBe(0);
  });

  it('counts each job in one half second only', () => {
    const { after } = setUp();
    expect(after(100, 500)).toBe(30);
    expect(after(100, 500)).toBe(30);
    expect(after(100, 500)).toBe(30);
  });

  it('is always a whole number between none and the maximum', () => {
    const rounds = fc.array(fc.tuple(fc.nat(2_000), fc.nat(1_200)), { maxLength: 50 });
    fc.assert(
      fc.property(fc.nat(500), rounds, (max, told) => {
        const { after } = setUp(max);
        for (const [jobs, ms] of told) {
          const target = after(jobs, ms);
          expect(Number.isInteger(target)).toBe(true);
          expect(target).toBeGreaterThanOrEqual(0);
          expect(target).toBeLessThanOrEqual(max);
        }
      }),
    );
  });
});
