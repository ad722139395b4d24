import { z } from 'zod';
import { positionField, shownTime, uuidField } from './fields.ts';
import { described, named } from './registry.ts';

/** Of a consumer; also of those that users write. */
export const consumerNameField = described(
  z.string().regex(/^[a-z0-9-]{1,64}$/, 'must be 1 to 64 of a-z, 0-9 and hyphen'),
  '1 to 64 of a-z, 0-9 and hyphen.',
  { examples: ['job-status'] },
);

const failureSchema = described(
  z.looseObject({ message: z.string() }).nullable(),
  'Why it does not get on: an error, and the position it stands before; null while it does.',
);

const consumerSchema = named(
  'Consumer',
  z.strictObject({
    name: consumerNameField,
    build: described(z.int(), 'Grows each time it is built anew.'),
    version: described(z.int(), 'Of the code that this build belongs to.'),
    role: described(
      z.enum(['live', 'building']),
      'Building: made anew beside the live build, whose place it takes once it has caught up.',
    ),
    isReadModel: z.boolean(),
    position: described(positionField, 'The last position it has read.'),
    head: described(positionField, 'The last position of the log.'),
    lagEvents: z.int(),
    lagSeconds: described(z.number(), 'For how long the first unread event has been in the log.'),
    moving: described(
      z.boolean(),
      'It has read all there is, or has moved within the last 10 s; false where it has failed or its checkpoint is ahead of the log. Alarm on what does not move.',
    ),
    halted: described(
      z.enum(['paused', 'failed']).nullable(),
      'Paused by an operator, or stopped by its policy at an event it cannot handle.',
    ),
    failure: failureSchema,
    begunAt: shownTime,
    updatedAt: described(shownTime, 'When it last moved.'),
    eventsPerSecond: described(
      z.number().nullable(),
      'Of a rebuild, pauses left out; null before its first batch, and for the live build.',
    ),
    etaMs: described(
      z.int().nullable(),
      'Until it has read all there is, at that speed; null where that is unknown.',
    ),
  }),
  'One build of a consumer of the log.',
);

export const consumersSchema = named(
  'Consumers',
  z.strictObject({ data: z.array(consumerSchema) }),
  'Consumers by name and build.',
);

export const parkedSchema = named(
  'ParkedEvents',
  z.strictObject({
    data: z.array(
      z.strictObject({
        position: positionField,
        streamId: described(uuidField, 'The job (or queue) whose event it is.'),
        state: described(
          z.enum(['parked', 'retrying', 'skipped']),
          'Skipped ones were given up and hold nothing up.',
        ),
        attempts: described(
          z.int(),
          'How often its handler failed on it; 0 for one that waits behind such a one.',
        ),
        error: failureSchema,
        parkedAt: shownTime,
      }),
    ),
    nextAfter: described(positionField.optional(), 'Pass it as `after` for the next page.'),
  }),
  'Events that a consumer has put aside, by position.',
);
