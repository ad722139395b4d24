import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoggedEvent } from '../../../src/consumers/tail/log-page.ts';
import { createLogRing } from '../../../src/consumers/tail/log-ring.ts';

const eventAt = (position: bigint, text = '') =>
  ({ position, type: 'JobCancelled', data: { reason: text }, tags: [] }) as unknown as LoggedEvent;
const all = () => true;
const positions = (events: readonly LoggedEvent[]) => events.map(({ position }) => position);

describe('the ring', () => {
  it('never exceeds its bounds, and never leaves out what it says it has', () => {
    const pushes = fc.array(
      fc.record({
        texts: fc.array(fc.nat(20_000), { maxLength: 30 }),
        // Positions that are looked at and hold nothing for this reader.
        beyond: fc.nat(3),
      }),
      { minLength: 1, maxLength: 30 },
    );
    const limits = fc.record({ maxEvents: fc.nat(40), maxBytes: fc.nat(200_000) });
    fc.assert(
      fc.property(pushes, limits, fc.nat(1_000), (given, bounds, start) => {
        const ring = createLogRing(BigInt(start), bounds);
        const written: LoggedEvent[] = [];
        let position = BigInt(start);
        for (const { texts, beyond } of given) {
          const events = texts.map((length) => eventAt((position += 1n), 'x'.repeat(length)));
          written.push(...events);
          position += BigInt(beyond);
          ring.push(events, position);
          expect(ring.size).toBeLessThanOrEqual(bounds.maxEvents);
          expect(ring.bytes).toBeLessThanOrEqual(bounds.maxBytes);
          expect(ring.to).toBe(position);
          for (const from of [ring.from, (ring.from + ring.to) / 2n, ring.to]) {
            const slice = ring.after(from, all, 1_000, Number.MAX_SAFE_INTEGER);
            const wanted = written.filter((event) => event.position > from);
            expect(positions(slice.events)).toEqual(positions(wanted));
            expect(slice.upTo).toBe(position);
          }
        }
      }),
    );
  });

  it('ends a slice at its limits, and says how far it came', () => {
    const ring = createLogRing(0n, { maxEvents: 100, maxBytes: 1_000_000 });
    ring.push(
      [1n, 2n, 3n, 4n, 5n].map((position) => eventAt(position, 'x'.repeat(1_000))),
      9n,
    );
    expect(ring.after(1n, all, 2, 1_000_000).upTo).toBe(3n);
    expect(positions(ring.after(1n, all, 100, 5_000).events)).toEqual([2n, 3n]);
    expect(ring.after(1n, ({ position }) => position === 4n, 100, 1_000_000)).toMatchObject({
      events: [{ position: 4n }],
      upTo: 9n,
    });
    expect(ring.after(20n, all, 100, 1_000_000)).toEqual({ events: [], upTo: 20n });
  });

  it('lets go of what it no longer holds', () => {
    const ring = createLogRing(0n, { maxEvents: 1, maxBytes: 1_000_000 });
    ring.push([eventAt(1n), eventAt(2n)], 2n);
    expect([ring.from, ring.to, ring.size]).toEqual([1n, 2n, 1]);
  });

  it('lets go of what was read, but for the newest few', () => {
    const ring = createLogRing(0n, { maxEvents: 100, maxBytes: 1_000_000 });
    ring.push(
      [1n, 2n, 3n, 4n, 5n].map((position) => eventAt(position)),
      5n,
    );
    ring.letGo(2n, 1);
    expect([ring.from, ring.to, ring.size]).toEqual([2n, 5n, 3]);
    expect(positions(ring.after(2n, all, 100, 1_000_000).events)).toEqual([3n, 4n, 5n]);
    ring.letGo(5n, 2);
    expect([ring.from, ring.to, ring.size]).toEqual([3n, 5n, 2]);
    ring.letGo(5n, 0);
    expect([ring.from, ring.to, ring.size, ring.bytes]).toEqual([5n, 5n, 0, 0]);
    ring.push([eventAt(6n)], 6n);
    expect(positions(ring.after(5n, all, 100, 1_000_000).events)).toEqual([6n]);
  });
});
