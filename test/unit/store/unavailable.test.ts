import { describe, expect, it } from 'vitest';
import { isUnavailable } from '../../../src/store/sqlstate.ts';

const withCode = (code: string, more = {}) => Object.assign(new Error(code), { code, ...more });

describe('a server that is away', () => {
  it.each([
    ['a port where nobody listens', withCode('ECONNREFUSED', { syscall: 'connect' })],
    ['a socket that is not there', withCode('ENOENT', { syscall: 'connect' })],
    ['a connection that broke', withCode('08006')],
    ['a server that shuts down', withCode('57P01')],
    ['a name with two addresses', new AggregateError([withCode('ECONNREFUSED')])],
    ['a connection that ended under it', new Error('Connection terminated unexpectedly')],
  ])('is told by %s', (_, error) => {
    expect(isUnavailable(error)).toBe(true);
  });

  it.each([
    ['a certificate that is not there', withCode('ENOENT', { syscall: 'open' })],
    ['a duplicate key', withCode('23505')],
    ['any other error', new Error('terminated')],
    ['no error', 'ECONNREFUSED'],
  ])('is not told by %s', (_, error) => {
    expect(isUnavailable(error)).toBe(false);
  });
});
