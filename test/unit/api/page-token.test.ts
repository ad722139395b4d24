import { describe, expect, it } from 'vitest';
import { cursorOf, pageTokenOf } from '../../../src/api/requests/page-token.ts';

const cursor = '01a20140-a356-775a-94ad-ec0098a8355a';
const filter = { queue: 'emails', state: 'ready', submittedAfter: 1 };

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
