import { describe, expect, it } from 'vitest';
import { errorFingerprint } from '../../../src/domain/job/error-fingerprint.ts';
import { sha256 } from '../../../src/kernel/ids.ts';

const of = (message: string, name = 'Error', type = 'send') =>
  errorFingerprint(type, { name, message }, sha256);

describe('the fingerprint of an error', () => {
  it.each([
    ['numbers', 'order 7 failed after 12 ms', 'order 4711 failed after 3.5 ms'],
    ['numbers of any length', 'order 1234567 failed', 'order 12345678 failed'],
    ['times and addresses', 'at 10.0.0.1:5432, 12:30:45', 'at 192.168.1.20:5433, 7:05'],
    [
      'UUIDs',
      'no job 0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11',
      'no job A198E0F2-6F2C-7CC3-98C1-2F5D4C1A7B12',
    ],
    ['hex', 'at 0xdeadBEEF of deadbeef01', 'at 0X1 of 00aaccffdd'],
    ['single quotes', "no file 'a.txt'", 'no file \'it is "another".txt\''],
    ['double quotes', 'no key "a"', 'no key "\'b\'"'],
    ['backticks', 'no `a` here', 'no `b` here'],
    ['two quotes', "'a' is not 'b'", "'cd' is not ''"],
    ['quotes with an apostrophe before them', "can't find 'a'", "can't find 'b'"],
    ['quotes across lines', 'no "a\nb"', 'no "c"'],
  ])('is the same whatever the %s', (_what, some, other) => {
    expect(of(other)).toBe(of(some));
  });

  it.each([
    ['words', 'connection refused', 'connection reset'],
    ['short words of hex letters', 'a bad face', 'a dead face'],
    ['case', 'Refused', 'refused'],
    ['quotes left open', "it's a", "it's b"],
  ])('differs by %s', (_what, some, other) => {
    expect(of(other)).not.toBe(of(some));
  });

  it('differs by type and name', () => {
    expect(new Set([of('m'), of('m', 'TypeError'), of('m', 'Error', 'sweep')]).size).toBe(3);
  });

  it('stays what it was: it is kept in tables, and in links', () => {
    expect(of("no file 'a.txt' after 3 tries")).toBe(
      sha256('send\nError\nno file # after # tries').slice(0, 32),
    );
  });
});
