import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { headerField } from './schemas/fields.ts';
import { problemResponses } from './schemas/problem.ts';

/** The instance as routes get it: types of requests and answers come from the zod schemas. */
export type ApiServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What a route says about itself, in the words of OpenAPI. */
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly [string];
  readonly params?: z.ZodType;
  readonly querystring?: z.ZodType;
  readonly headers?: z.ZodType;
  readonly body?: z.ZodType;
  readonly response: Readonly<Record<number, z.ZodType | AnswerInKinds>>;
}

/** An answer that comes in several content types. */
interface AnswerInKinds {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema: z.ZodType }>>;
}

const nothing = z.strictObject({});

/** Headers of operations that write. */
export const writeHeaders = z.looseObject({
  'x-actor': headerField('Who asks, for the history.').optional(),
});

/** How operations that change something without a body refuse one that comes all the same. */
export const unwantedBody = [413, 415] as const;

/**
 * Completes a route's schema: unknown query parameters are refused, and the errors that every
 * operation may answer are listed beside those of its own.
 * @param failures statuses that this operation answers for reasons of its own
 */
export function operation<const Schema extends Operation>(
  schema: Schema,
  failures: readonly number[] = [],
): Schema {
  const withBody = schema.body === undefined ? [] : [413, 415];
  const statuses = new Set([400, 403, ...failures, ...withBody, 500, 503]);
  return {
    querystring: nothing,
    ...schema,
    response: { ...schema.response, ...problemResponses(statuses) },
  };
}
