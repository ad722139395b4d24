import type { FastifyReply, FastifyRequest } from 'fastify';
import { DaybookError } from '../../kernel/errors.ts';

/** Turns requests away that this process has no room for, before it has read them. */
export interface Admission {
  /** @throws DaybookError `overloaded`: nothing of the request was done */
  admit(request: FastifyRequest, reply: FastifyReply): void;
}

export interface AdmissionOptions {
  /** How long the one has waited that waits longest for a connection to the database, in ms. */
  readonly waitingMs: () => number;
  /** From which wait on no more requests are taken that need one. */
  readonly queueMs: number;
  /** Bytes of bodies that may be in this process at the same time. */
  readonly bodiesBytes: number;
}

/**
 * What ends work, or keeps it: turning it away would have the work done again, and answering it is
 * what makes room.
 */
const always =
  /^\/v1\/(claims\/|workers\/:session\/heartbeat|subscriptions\/:name\/(ack|nack|extend))/;

/**
 * Where requests wait for connections longer than they should, those that come are answered at once,
 * so that clients come back later instead of asking again beside the request that still waits: two
 * servers whose clients did that answered nobody any more for as long as it was looked at.
 */
export function createAdmission({ waitingMs, queueMs, bodiesBytes }: AdmissionOptions): Admission {
  let bytes = 0;
  return {
    admit(request, reply) {
      const { url = '', bodyLimit } = request.routeOptions;
      const isWork = url.startsWith('/v1/') && !always.test(url);
      if (isWork && waitingMs() > queueMs) {
        throw new DaybookError(
          'overloaded',
          `Requests wait for the database for over ${queueMs} ms.`,
        );
      }
      const size = bytesToCome(request, bodyLimit);
      if (size === 0) return;
      if (bytes > 0 && bytes + size > bodiesBytes) {
        throw new DaybookError('overloaded', 'The bodies of other requests fill the memory.');
      }
      bytes += size;
      reply.raw.once('close', () => {
        bytes -= size;
      });
    },
  };
}

/** What its client says that a body has; where it does not say, the most that it may have. */
function bytesToCome({ headers }: FastifyRequest, limit: number): number {
  if (headers['transfer-encoding'] !== undefined) return limit;
  return Math.min(Number(headers['content-length'] ?? 0), limit);
}
