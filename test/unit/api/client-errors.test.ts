import { createServer } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createClientErrors } from '../../../src/api/refusals/client-errors.ts';
import { problemSchema } from '../../../src/api/schemas/problem.ts';

/** What a client reads for an error of Node's HTTP parser. */
function heard(code: string): string {
  const socket = new PassThrough();
  createClientErrors().answer(Object.assign(new Error('secret'), { code }), socket);
  return String(socket.read());
}

describe('what Node refuses by itself', () => {
  it.each([
    ['ERR_HTTP_REQUEST_TIMEOUT', 408, 'request-timeout'],
    ['HPE_HEADER_OVERFLOW', 431, 'headers-too-large'],
    ['HPE_INVALID_METHOD', 400, 'malformed-request'],
    ['whatever', 400, 'malformed-request'],
  ])('is told as a problem: %s', (nodeCode, status, code) => {
    const [head = '', body = ''] = heard(nodeCode).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
    expect(head).toContain('\r\ncontent-type: application/problem+json');
    expect(head).toContain(`\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`);
    expect(head).toMatch(/\r\nconnection: close$/);
    expect(problemSchema.parse(JSON.parse(body))).toMatchObject({ status, code });
    expect(body).not.toContain('secret');
  });

  it('is not told to who cannot hear it', () => {
    const socket = new PassThrough();
    socket.end();
    createClientErrors().answer(new Error('late'), socket);
    expect(socket.destroyed).toBe(true);
    expect(socket.read()).toBeNull();
  });

  it('leaves a server that is watched with the requests it had', () => {
    const server = createServer();
    createClientErrors().watch(server);
    expect(server.listenerCount('request')).toBe(1);
    expect(server.listenerCount('checkExpectation')).toBe(1);
  });
});
