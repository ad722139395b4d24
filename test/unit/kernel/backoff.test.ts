import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBackoff } from '../../../src/kernel/backoff.ts';

const nearlyOne = 1 - Number.EPSILON / 2;

function pauses(random: number, count: number): number[] {
  const backoff = createBackoff(100, 1_000, () => random);
  return Array.from({ length: count }, () => backoff.nextMs());
}

describe('a back-off', () => {
  it('doubles up to the maximum, half of it fixed', () => {
    expect(pauses(0, 6)).toStrictEqual([50, 100, 200, 400, 500, 500]);
  });

  it('leaves the other half to chance', () => {
    expect(pauses(0.5, 6)).toStrictEqual([75, 150, 300, 600, 750, 750]);
    expect(pauses(nearlyOne, 6)).toStrictEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it('draws anew for every pause', () => {
    const drawn = [0, 0.5, 0.75];
    const backoff = createBackoff(1_000, 1_000, () => drawn.shift() ?? 1);
    expect([backoff.nextMs(), backoff.nextMs(), backoff.nextMs()]).toStrictEqual([500, 750, 875]);
  });

  it('starts from the base again after a reset', () => {
    const backoff = createBackoff(100, 1_000, () => 0);
    backoff.nextMs();
    backoff.nextMs();
    backoff.reset();
    expect([backoff.nextMs(), backoff.nextMs()]).toStrictEqual([50, 100]);
  });

  it('is not shared', () => {
    const one = createBackoff(100, 1_000, () => 0);
    one.nextMs();
    expect(createBackoff(100, 1_000, () => 0).nextMs()).toBe(50);
  });

  it('stays between half a base and the maximum, in whole ms, however long it goes on', () => {
    const ms = fc.integer({ min: 1, max: 10_000 });
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(ms, ms, fc.infiniteStream(unit), (baseMs, more, chance) => {
        const maxMs = baseMs + more;
        const backoff = createBackoff(baseMs, maxMs, () => chance.next().value);
        for (let tries = 0; tries < 50; tries += 1) {
          const pause = backoff.nextMs();
          expect(Number.isInteger(pause)).toBe(true);
          expect(pause).toBeGreaterThanOrEqual(baseMs / 2);
          expect(pause).toBeLessThanOrEqual(maxMs);
        }
      }),
    );
  });

  it('stays finite after a million tries without a maximum', () => {
    const backoff = createBackoff(1, Infinity, () => 0);
    let pause = 0;
    for (let tries = 0; tries < 1_000_000; tries += 1) pause = backoff.nextMs();
    expect(pause).toBe(2 ** 29);
  });
});
