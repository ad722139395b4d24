import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatLogToken, parseLogToken, parsePosition } from '../../../src/domain/log-token.ts';

describe('a log token', () => {
  it('reads `v1.<epoch>.<position>`', () => {
    expect(formatLogToken({ epoch: 3, position: 48_151_623n })).toBe('v1.3.48151623');
  });

  it('leads back to its place', () => {
    const places = fc.record({
      epoch: fc.integer({ min: 0, max: 999_999_999 }),
      position: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    });
    fc.assert(
      fc.property(places, (place) => {
        expect(parseLogToken(formatLogToken(place))).toEqual(place);
      }),
    );
  });

  it.each([
    '',
    'v1',
    'v1.1',
    'v2.1.1',
    'V1.1.1',
    'v1.1.1.1',
    'v1.-1.1',
    'v1.1.-1',
    'v1.1.1 ',
    ' v1.1.1',
    'xv1.1.1',
    'v1.1.9223372036854775808',
    '1.01a20140-a356-775a-94ad-ec0098a8355a.1',
  ])('is not %j', (text) => {
    expect(parseLogToken(text)).toBeUndefined();
  });
});

describe('a position', () => {
  it.each([
    ['0', true],
    ['9223372036854775807', true],
    ['9223372036854775808', false],
    ['-1', false],
    ['1.5', false],
    ['1e3', false],
    ['', false],
  ])('%j: %j', (text, isOne) => {
    expect(parsePosition(text)).toBe(isOne ? BigInt(text) : undefined);
  });
});
