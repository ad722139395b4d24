import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { DaybookError } from '../../kernel/errors.ts';
import { problemOf } from '../problem.ts';

/** Answers what Node refuses before there is a request: without this, in words that are no problem+json. */
export interface ClientErrors {
  /** Answers, unless an answer to something else is due on this connection, and cuts it. */
  answer(error: Error, socket: Duplex): void;
  /** To be called before the server listens. */
  watch(server: Server): void;
}

/** A request whose answer is not out yet; a client takes whatever comes for that answer. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export function createClientErrors(): ClientErrors {
  const pending = new WeakMap<Duplex, Set<Exchange>>();

  const answer = (error: Error, socket: Duplex) => {
    const due = [...(pending.get(socket) ?? [])];
    const isFree = due.every(({ request, response }) => !request.complete && !response.headersSent);
    if (socket.writable && isFree) socket.end(textOf(refusal(error)), () => socket.destroy());
    else socket.destroy();
  };
  return {
    answer,
    watch(server) {
      server.on('request', (request: IncomingMessage, response: ServerResponse) => {
        const { socket } = request;
        const exchange = { request, response };
        const due = pending.get(socket) ?? new Set();
        pending.set(socket, due.add(exchange));
        response.once('close', () => due.delete(exchange));
      });
      // Nobody is led through this server to another one.
      server.on('connect', (_request, socket) => {
        answer(new DaybookError('method-not-allowed', 'No address knows CONNECT.'), socket);
      });
      // A server may take an expectation that it does not know for none (RFC 9110, 10.1.1).
      server.on('checkExpectation', (request, response) => {
        server.emit('request', request, response);
      });
    },
  };
}

function refusal(error: Error & { readonly code?: unknown }): Error {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new DaybookError('request-timeout', 'The request did not come to its end in time.');
    case 'HPE_HEADER_OVERFLOW':
      return new DaybookError('headers-too-large', 'Address and headers are larger than 16 KiB.');
    case 'method-not-allowed':
      return error;
    default:
      return new DaybookError('malformed-request', 'This is no request of HTTP/1.1.');
  }
}

function textOf(error: Error): string {
  const requestId = randomUUID();
  // The address may be what is wrong: it is not known.
  const { problem } = problemOf(error, requestId, '');
  const body = JSON.stringify(problem);
  const lines = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'cache-control: no-store',
    'connection: close',
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
