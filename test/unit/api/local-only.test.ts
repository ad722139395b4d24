import { describe, expect, it } from 'vitest';
import { createLocalOnly } from '../../../src/api/refusals/local-only.ts';

/** What the server says to a request with these headers: undefined for nothing. */
function refusal(headers: Record<string, string>, allowed: readonly string[] = []): unknown {
  try {
    createLocalOnly(allowed)(headers);
    return undefined;
  } catch (error) {
    return error;
  }
}

const forbidden = expect.objectContaining({ code: 'forbidden-host' });

describe('hosts that are allowed beside loopback', () => {
  const allowed = ['Daybook.internal'];

  it.each([
    { host: 'daybook.internal' },
    { host: 'daybook.INTERNAL:443' },
    { host: 'localhost', origin: 'https://daybook.internal' },
  ])('are served: %j', (headers) => {
    expect(refusal(headers, allowed)).toBeUndefined();
  });

  it.each(['x.daybook.internal', 'daybook.internal.evil.example', 'internal', ''])(
    'do not open the door to %j',
    (host) => {
      expect(refusal({ host }, allowed)).toEqual(forbidden);
    },
  );

  it('are foreign where they are not allowed', () => {
    expect(refusal({ host: 'daybook.internal' })).toEqual(forbidden);
  });
});

describe('a host in the address', () => {
  it.each([
    ['/v1/jobs', true],
    ['http://localhost:7070/v1/jobs', true],
    ['http://evil.example/v1/jobs', false],
    ['http://localhost@evil.example/', false],
    ['HTTPS://EVIL.example', false],
    ['http://', false],
  ])('counts like the header: %s', (url, isServed) => {
    const ask = () => createLocalOnly([])({ host: 'localhost' }, url);
    if (isServed) ask();
    else expect(ask).toThrow(forbidden);
  });
});

describe('a host', () => {
  it.each([
    'localhost:',
    'localhost:7070:7070',
    'localhost@evil.example',
    'evil.example/localhost',
    '[::1].evil.example',
    '[::2]',
    '::1',
    'localhost:123456',
    '0.0.0.0',
  ])('written %s is foreign', (host) => {
    expect(refusal({ host })).toEqual(forbidden);
  });
});

describe('an origin', () => {
  it.each(['file://', 'chrome-extension://abc', 'http://', 'https://localhost@evil.example'])(
    'of %s is foreign',
    (origin) => {
      expect(refusal({ host: 'localhost', origin })).toEqual(forbidden);
    },
  );
});
