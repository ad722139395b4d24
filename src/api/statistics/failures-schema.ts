import { z } from 'zod';
import { asOfField, fingerprintField, shownTime, uuidField } from '../schemas/fields.ts';
import { described, named } from '../schemas/registry.ts';

export const failurePageSchema = named(
  'FailurePage',
  z.strictObject({
    data: z.array(
      z.strictObject({
        fingerprint: fingerprintField,
        type: z.string(),
        queue: described(z.string(), 'Of the newest failure, as are `error` and `jobId`.'),
        error: described(
          z.strictObject({ name: z.string(), message: z.string() }),
          'The message cut to 500 characters.',
        ),
        jobId: uuidField,
        firstSeenAt: shownTime,
        lastSeenAt: shownTime,
        count: described(z.int(), 'Attempts that failed so.'),
        dead: described(z.int(), 'How many of them were the end of their job.'),
      }),
    ),
    nextPageToken: described(z.string().optional(), 'Absent on the last page.'),
    asOf: asOfField,
  }),
  'Errors that jobs failed with, last seen first.',
);
