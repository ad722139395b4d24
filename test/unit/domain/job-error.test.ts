import { describe, expect, it } from 'vitest';
import { jobErrorFrom } from '../../../src/domain/job/job-error.ts';

/** An error that looks as it is told to. */
function errorLike(looks: Readonly<Record<string, unknown>>): Error {
  const error = new Error('plain');
  for (const [key, value] of Object.entries(looks)) Object.defineProperty(error, key, { value });
  return error;
}

describe('a thrown error', () => {
  it('is kept with its name, message and stack', () => {
    const error = new RangeError('too far');
    expect(jobErrorFrom(error)).toStrictEqual({
      name: 'RangeError',
      message: 'too far',
      stack: error.stack,
    });
    expect(error.stack).toMatch(/^RangeError: too far\n +at /);
  });

  it('is kept by the name that its class gives it', () => {
    class OutOfPaper extends Error {
      override readonly name = 'OutOfPaper';
    }
    expect(jobErrorFrom(new OutOfPaper('tray 2'))).toMatchObject({ name: 'OutOfPaper' });
    expect(jobErrorFrom(new DOMException('stop', 'AbortError'))).toMatchObject({
      name: 'AbortError',
      message: 'stop',
    });
  });

  it('may be without a stack', () => {
    const bare = { name: 'Error', message: 'plain' };
    expect(jobErrorFrom(errorLike({ stack: undefined }))).toStrictEqual(bare);
    expect(jobErrorFrom(errorLike({ stack: 7 }))).toStrictEqual(bare);
  });

  it('may have a name or a message that is no text', () => {
    const error = errorLike({ name: { a: 1 }, message: undefined, stack: undefined });
    expect(jobErrorFrom(error)).toStrictEqual({ name: '{"a":1}', message: 'undefined' });
  });

  it('is cut to size, each text by itself', () => {
    const long = 'x'.repeat(10_000);
    const { name, message, stack } = jobErrorFrom(
      errorLike({ name: long, message: long, stack: long }),
    );
    expect([name.length, message.length, stack?.length]).toStrictEqual([100, 2_000, 8_000]);
    for (const text of [name, message, stack]) expect(text).toMatch(/^x+…$/);
  });

  it('loses what Postgres cannot keep', () => {
    const error = errorLike({ name: 'a\u0000', message: 'b\uD83D', stack: '\uDE00c' });
    expect(jobErrorFrom(error)).toStrictEqual({
      name: 'a\uFFFD',
      message: 'b\uFFFD',
      stack: '\uFFFDc',
    });
  });
});

describe('a thrown value that is no error', () => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;

  it.each([
    ['a text', 'out of paper', 'out of paper'],
    ['an empty text', '', ''],
    ['a number', 7, '7'],
    ['a bigint', 7n, '7'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['an object', { code: 7 }, '{"code":7}'],
    [
      'what only looks like an error',
      { name: 'Error', message: 'm' },
      '{"name":"Error","message":"m"}',
    ],
    ['an array', ['a', 1], '["a",1]'],
    ['an object that JSON leaves out', { toJSON: () => undefined }, '[object Object]'],
    ['an object in a circle', circular, 'a value that cannot be shown'],
    ['an object without a prototype', Object.create(null), '{}'],
    ['an object with a bigint', { a: 1n }, 'a value that cannot be shown'],
  ])('is described: %s', (_what, thrown, message) => {
    expect(jobErrorFrom(thrown)).toStrictEqual({ name: 'NonError', message });
  });

  it('is described as far as there is room, and as Postgres can keep it', () => {
    const { message } = jobErrorFrom('x'.repeat(10_000));
    expect(message).toBe(`${'x'.repeat(1_999)}…`);
    expect(jobErrorFrom('a\u0000').message).toBe('a\uFFFD');
  });
});

describe('a thrown value that refuses to be looked at', () => {
  const refuse = (): never => {
    throw new Error('hidden');
  };
  const hiding = (key: string) => Object.defineProperty(new Error('plain'), key, { get: refuse });
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();

  it.each([
    ['its name', hiding('name')],
    ['its message', hiding('message')],
    ['its stack', hiding('stack')],
    ['its class', new Proxy({}, { getPrototypeOf: refuse })],
    ['anything', revoked],
  ])('is kept all the same: %s', (_what, thrown) => {
    expect(jobErrorFrom(thrown)).toHaveProperty('message');
  });
});
