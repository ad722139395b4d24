import type { FastifyReply } from 'fastify';
import { DaybookError } from '../../kernel/errors.ts';

/** A request that waits for something. */
export interface Wait {
  /** Aborts when the client has gone, or the server closes. */
  readonly signal: AbortSignal;
  /** True once the client has gone: nobody will see the answer. */
  readonly abandoned: boolean;
  /** To be called before the answer is sent; until then the wait counts. */
  end(): void;
}

/** The requests of this process that wait; bounded, and ended when the server closes. */
export interface Waits {
  /** @throws DaybookError `overloaded` when too many wait already */
  begin(reply: FastifyReply): Wait;
  /** Ends all of them early, also those that begin later: they answer what they have. */
  endAll(): void;
}

/** @param limit requests that may wait at the same time */
export function createWaits(limit: number): Waits {
  const waiting = new Set<AbortController>();
  let over = false;
  return {
    begin(reply) {
      if (waiting.size >= limit) {
        throw new DaybookError('overloaded', `${limit} requests wait already.`);
      }
      const controller = new AbortController();
      if (over) controller.abort();
      waiting.add(controller);
      let abandoned = false;
      const gone = () => {
        abandoned = true;
        controller.abort();
      };
      if (reply.raw.closed) gone();
      else reply.raw.once('close', gone);
      return {
        signal: controller.signal,
        get abandoned() {
          return abandoned;
        },
        end() {
          waiting.delete(controller);
          reply.raw.off('close', gone);
        },
      };
    },
    endAll() {
      over = true;
      for (const controller of waiting) controller.abort();
    },
  };
}
