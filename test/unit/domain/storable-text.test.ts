import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isStorable, storableText } from '../../../src/domain/storable-text.ts';

/** Any 16-bit units, NUL and halves of surrogate pairs among them more often than chance has it. */
const anyText = fc
  .array(
    fc.oneof(
      fc.nat(0xffff),
      fc.constantFrom(0, 0x41, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xd83d, 0xde00),
    ),
    { maxLength: 30 },
  )
  .map((units) => String.fromCharCode(...units));

/** True where UTF-8 gives back what it was given: no half of a pair is in it. */
function isWhole(text: string): boolean {
  return (
    new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text)) === text
  );
}

describe('a text to store', () => {
  it.each(['', 'plain', 'é', '\u{1F600}', 'tab\tand\nline', '\u0001\u007F', '\uFFFF', '\uFFFD'])(
    'stays as it is: %j',
    (text) => {
      expect(storableText(text, 100)).toBe(text);
      expect(isStorable(text)).toBe(true);
    },
  );

  it.each([
    ['a\u0000b\u0000', 'a\uFFFDb\uFFFD'],
    ['\uD83D', '\uFFFD'],
    ['\uDE00', '\uFFFD'],
    ['a\uD83Db', 'a\uFFFDb'],
    ['a\uDE00b', 'a\uFFFDb'],
    ['\uDE00\uD83D', '\uFFFD\uFFFD'],
    ['\uD83D\uD83D\uDE00', '\uFFFD\u{1F600}'],
    ['\u{1F600}\uDE00', '\u{1F600}\uFFFD'],
  ])('loses what Postgres cannot keep: %j', (text, kept) => {
    expect(storableText(text, 100)).toBe(kept);
    expect(isStorable(text)).toBe(false);
  });

  it('is cut to the length, the cut marked', () => {
    expect(storableText('abcde', 5)).toBe('abcde');
    expect(storableText('abcdef', 5)).toBe('abcd…');
    expect(storableText('abcdef', 1)).toBe('…');
  });

  it('is not cut into half a pair', () => {
    expect(storableText('abc\u{1F600}def', 5)).toBe('abc\uFFFD…');
    expect(storableText('abc\u{1F600}', 5)).toBe('abc\u{1F600}');
  });

  it('can be kept afterwards, whatever it was, and is then left alone', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 40 }), (text, maxLength) => {
        const kept = storableText(text, maxLength);
        expect(isStorable(kept)).toBe(true);
        expect(kept).not.toContain('\u0000');
        expect(isWhole(kept)).toBe(true);
        expect(kept.length).toBeLessThanOrEqual(maxLength);
        expect(storableText(kept, maxLength)).toBe(kept);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is changed only if it cannot be kept', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(isStorable(text)).toBe(isWhole(text) && !text.includes('\u0000'));
        expect(storableText(text, 30) === text).toBe(isStorable(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is judged alone, not by what was judged before it', () => {
    for (let time = 0; time < 3; time += 1) {
      expect(isStorable('ab\uD83D')).toBe(false);
      expect(isStorable('\uD83D')).toBe(false);
      expect(isStorable('ab')).toBe(true);
    }
  });
});
