import { z } from 'zod';
import { type ErrorCode, errorCatalogue } from '../../kernel/error-catalogue.ts';
import { httpAnswers } from '../problem.ts';
import { described, named } from './registry.ts';

/** An error as every operation answers it (RFC 9457). */
export const problemSchema = named(
  'Problem',
  z.looseObject({
    type: described(z.string(), 'A page about the code, relative to this server.', {
      format: 'uri-reference',
    }),
    title: z.string(),
    status: z.int(),
    detail: described(z.string(), 'What happened here.'),
    instance: described(z.string(), 'The path of the request.'),
    code: z.enum(Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]]),
    requestId: z.string(),
    retryable: described(z.boolean(), 'The same request may go through later; see Retry-After.'),
    errors: described(
      z.array(z.strictObject({ pointer: z.string(), message: z.string() })),
      'Fields that are wrong: JSON pointers into the body, or `/query/…`, `/path/…`, `/headers/…`.',
    ),
  }),
  'An error (RFC 9457). Other members are facts of the code, such as `jobId`.',
);

/** The responses of an operation that may fail with these statuses. */
export function problemResponses(statuses: Iterable<number>): Record<number, unknown> {
  const responses: Record<number, unknown> = {};
  for (const status of statuses) {
    const codes = Object.entries(httpAnswers).flatMap(([code, answer]) =>
      answer?.status === status ? [code] : [],
    );
    responses[status] = {
      description: codes.join(', '),
      content: { 'application/problem+json': { schema: problemSchema } },
    };
  }
  return responses;
}
