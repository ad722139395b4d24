import { describe, expect, it } from 'vitest';
import { cursorOf, pageTokenOf } from '../../../src/api/requests/page-token.ts';
import { cursorAt, pageTokenAt } from '../../../src/api/time-travel/page-token-at.ts';

const cursor = '01a20140-a356-775a-94ad-ec0098a8355a';
const filter = { queue: 'emails', state: 'ready', submittedAfter: 1 };

/** Made by somebody who read the source: fits its own fingerprint. */
function forged(position: string, timeMs: string): string {
  const text = { atPosition: BigInt(position).toString(), atTimeMs: Number(timeMs) };
  return `${position}.${timeMs}.${pageTokenOf(cursor, { ...filter, ...text })}`;
}

describe('a page token of the past', () => {
  const moment = { position: 7n, timeMs: 1_795_342_900_000 };

  it('leads back to its cursor and its moment', () => {
    expect(cursorAt(pageTokenAt(cursor, filter, moment), filter)).toEqual({ cursor, moment });
    expect(cursorAt(forged('7', '1795342900000'), filter)).toEqual({ cursor, moment });
  });

  it.each([
    ['9223372036854775808', '1'],
    ['9999999999999999999', '1'],
    ['0', '1'],
    ['7', '253402300800000'],
    ['7', '999999999999999'],
  ])('is refused with position %s and time %s, which there cannot be', (position, timeMs) => {
    expect(() => cursorAt(forged(position, timeMs), filter)).toThrow(
      expect.objectContaining({ code: 'invalid-request' }),
    );
  });
});

describe('a page token', () => {
  it('leads back to its cursor, with the same filter', () => {
    const token = pageTokenOf(cursor, filter);
    expect(token).toMatch(/^[\w-]+$/);
    expect(cursorOf(token, filter)).toBe(cursor);
  });

  it('does not mind the order of the filter, nor what is undefined', () => {
    const token = pageTokenOf(cursor, filter);
    const same = { submittedAfter: 1, tag: undefined, state: 'ready', queue: 'emails' };
    expect(cursorOf(token, same)).toBe(cursor);
  });

  it.each([
    [{ ...filter, state: 'dead' }],
    [{ queue: 'emails' }],
    [{}],
    [{ ...filter, tag: 'a' }],
    [{ ...filter, submittedAfter: '1' }],
  ])('is refused with %j', (other) => {
    expect(() => cursorOf(pageTokenOf(cursor, filter), other)).toThrow(/another filter/);
  });

  it.each(['', 'abc', '%%%', pageTokenOf('no-uuid', filter), pageTokenOf(`${cursor}x`, filter)])(
    'is refused when it is %j',
    (token) => {
      expect(() => cursorOf(token, filter)).toThrow(
        expect.objectContaining({
          code: 'invalid-request',
          fields: [expect.objectContaining({ pointer: '/query/pageToken' })],
        }),
      );
    },
  );
});
