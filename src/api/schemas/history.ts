import { z } from 'zod';
import { nameField, timeField, uuidField } from './fields.ts';
import { eventSchema, jobSchema, phaseField } from './job.ts';
import { described, named } from './registry.ts';

export const stepsSchema = named(
  'JobSteps',
  z.strictObject({
    data: z.array(
      z.strictObject({
        event: eventSchema,
        job: described(jobSchema, 'The job as it was after the event, at the time of the event.'),
      }),
    ),
  }),
  'The history of a job, state by state.',
);

export const explanationSchema = named(
  'Explanation',
  z.strictObject({
    id: uuidField,
    state: phaseField,
    because: z.array(
      z.strictObject({
        code: z.enum([
          'delayed',
          'retrying',
          'snoozed',
          'queue-paused',
          'no-worker',
          'suspect',
          'behind',
          'next',
          'running',
          'cancel-requested',
          'completed',
          'dead',
          'cancelled',
        ]),
        text: described(z.string(), 'A sentence for people.'),
      }),
    ),
  }),
  'Everything that holds a job where it is, the most telling first.',
);

export const replayBody = named(
  'ReplayRequest',
  z.strictObject({
    filter: z
      .strictObject({
        queue: nameField.optional(),
        state: phaseField.optional(),
        type: nameField.optional(),
        tag: z.string().min(1).max(100).optional(),
        error: described(
          z.string().min(1).max(200).optional(),
          'The name of the newest error, or a part of its message.',
        ),
        submittedAfter: described(timeField.optional(), 'Submitted at this time or later.'),
        submittedBefore: described(timeField.optional(), 'Submitted before this time.'),
      })
      .refine((filter) => Object.keys(filter).length > 0, 'must name something to filter by'),
    dryRun: described(
      z.boolean().default(true),
      'Says what would be run again and submits nothing; false does it.',
    ),
    queue: described(
      nameField.optional(),
      'Where the new jobs go; by default each where the old one was last.',
    ),
    limit: described(z.int().min(1).max(1_000).default(100), 'Jobs of one call, newest first.'),
    pageToken: described(
      z.string().max(200).optional(),
      '`nextPageToken` of the call before, with the same filter.',
    ),
  }),
  'Jobs to run again.',
  {
    examples: [
      {
        filter: { queue: 'emails', state: 'dead', submittedAfter: '2026-11-22T00:00:00.000Z' },
        dryRun: true,
      },
    ],
  },
);

export const replaySchema = named(
  'Replay',
  z.strictObject({
    dryRun: z.boolean(),
    data: z.array(
      z.strictObject({
        replayOf: described(uuidField, 'The old job.'),
        id: described(uuidField.nullable(), 'The new one; null in a dry run.'),
        queue: z.string(),
        type: z.string(),
      }),
    ),
    skipped: described(
      z.array(z.strictObject({ id: uuidField, code: z.enum(['job-not-found', 'payload-erased']) })),
      'Jobs that cannot be run again.',
    ),
    nextPageToken: described(z.string().optional(), 'Absent when there are no more.'),
  }),
  'What was, or would be, run again.',
);
