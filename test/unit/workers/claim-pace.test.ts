import { expect, it } from 'vitest';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';
import { createClaimPace } from '../../../src/workers/claiming/claim-pace.ts';

function setUp() {
  const clock = createFakeClock();
  const pace = createClaimPace(clock, () => 0.5);
  return {
    clock,
    pace,
    claim(found: number, tookMs: number) {
      pace.started();
      clock.advance(tookMs);
      pace.ended(found, 10);
      return pace.waitMs();
    },
  };
}

it('lets the next claim follow one that was full at once', () => {
  const { claim } = setUp();
  expect(claim(10, 100)).toBe(0);
});

it('rests for half as long as a short claim took, and never for long', () => {
  const { claim, clock, pace } = setUp();
  expect(claim(3, 20)).toBe(10);
  clock.advance(10);
  expect(pace.waitMs()).toBe(0);
  expect(claim(3, 1_000)).toBe(64);
});

it('answers hints ever more slowly while it finds nothing, until it does', () => {
  const { claim } = setUp();
  expect([1, 2, 3, 4, 5, 6, 7, 8].map(() => claim(0, 1))).toEqual([2, 4, 8, 16, 32, 64, 64, 64]);
  expect(claim(1, 4)).toBe(2);
  expect(claim(0, 1)).toBe(2);
});
