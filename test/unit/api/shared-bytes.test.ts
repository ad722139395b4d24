import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSharedBytes, type HeldBytes } from '../../../src/api/events/shared-bytes.ts';

const text = ({ bytes }: HeldBytes) => bytes.toString();

describe('shared bytes', () => {
  it('are made once for a key, and anew for another version of it', () => {
    const shared = createSharedBytes(4);
    const [key, one, two] = [{}, {}, {}];
    let made = 0;
    const of = (version: object, ...texts: string[]) =>
      shared.of(key, version, () => {
        made += 1;
        return texts;
      });
    expect(text(of(one, 'a', 'ü', '😀'))).toBe('aü😀');
    expect(text(of(one, 'never looked at'))).toBe('aü😀');
    expect(made).toBe(1);
    expect(text(of(two, 'b'))).toBe('b');
    expect(made).toBe(2);
  });

  it('stay as they are for as long as somebody holds them, whatever others ask for', () => {
    const moves = fc.array(
      fc.oneof(
        fc.record({ ask: fc.nat(9), length: fc.oneof(fc.nat(20), fc.constant(30_000)) }),
        fc.record({ release: fc.nat(50) }),
      ),
      { minLength: 1, maxLength: 200 },
    );
    fc.assert(
      fc.property(moves, fc.integer({ min: 1, max: 4 }), (all, kept) => {
        const shared = createSharedBytes(kept);
        const keys = Array.from({ length: 10 }, () => ({}));
        const versions = new Map<number, object>();
        let held: { readonly bytes: HeldBytes; readonly expected: string }[] = [];
        let n = 0;
        for (const move of all) {
          if ('ask' in move) {
            const expected = `${(n += 1)}`.padEnd(move.length, 'x');
            // Another version each time: nothing is found again, and memory is used again and again.
            const version = {};
            versions.set(move.ask, version);
            const bytes = shared.of(keys[move.ask] as object, version, () => [expected]);
            held.push({ bytes, expected });
          } else {
            const gone = held[move.release % Math.max(1, held.length)];
            gone?.bytes.release();
            // Once more does no harm.
            gone?.bytes.release();
            held = held.filter((each) => each !== gone);
          }
          for (const { bytes, expected } of held) expect(text(bytes)).toBe(expected);
        }
      }),
    );
  });

  it('use the memory again of those that nobody holds and nobody finds', () => {
    const shared = createSharedBytes(1);
    const memory = new Set<ArrayBufferLike>();
    for (let n = 0; n < 50; n += 1) {
      const held = shared.of({}, {}, () => [`${n}`]);
      memory.add(held.bytes.buffer);
      held.release();
    }
    expect(memory.size).toBe(2);
  });
});
