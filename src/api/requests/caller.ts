import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { CommandOptions } from '../../commands/write-context.ts';

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** The caller's X-Request-Id, if it is up to 128 printable characters; else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** Who asks, for the history: what X-Actor says, led here by this request. */
export function callerOf(request: FastifyRequest): CommandOptions {
  // Checked by the schema of every operation that writes.
  const actor = request.headers['x-actor'] as string | undefined;
  return { causation: request.id, ...(actor === undefined ? {} : { actor }) };
}
