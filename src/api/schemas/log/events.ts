import { z } from 'zod';
import { isKey } from '../../../domain/job/new-job.ts';
import { eventTypes, isEventType } from '../../../domain/event-types.ts';
import { isStorable } from '../../../domain/storable-text.ts';
import { nameField, shownTime, uuidField } from '../fields.ts';
import { described, named } from '../registry.ts';

/** The attributes of an event of the log as CloudEvents 1.0 has them, all but `data`. */
export const cloudEventAttributes = {
  specversion: z.literal('1.0'),
  id: described(uuidField, 'Of stream, epoch and version: the same wherever the event travels.'),
  source: described(z.string(), '`/daybook/<installation>/<queue>`', {
    examples: ['/daybook/daybook/emails'],
  }),
  type: described(z.string(), '`dev.daybook.<job|queue>.<what>.v<schema version>`', {
    examples: ['dev.daybook.job.failed.v1'],
  }),
  subject: described(z.string(), 'The id of the job; of an event of a queue, its name.'),
  time: shownTime,
  datacontenttype: z.literal('application/json'),
  sequence: described(
    z.string().regex(/^\d{19}$/),
    'The position in the log, padded with zeros: texts sort as positions do.',
    { examples: ['0000000000048151623'] },
  ),
  partitionkey: described(uuidField, 'The stream; events with the same one are in order.'),
  streamversion: described(z.int(), 'Place in the stream, from 1.'),
  epoch: described(z.int(), 'The epoch of the log in which it was written.'),
  queue: z.string(),
  jobtype: described(z.string(), 'Absent for events of queues.').optional(),
  tags: described(z.string(), 'The tags of the job at that moment: a JSON array of texts.', {
    examples: ['["welcome","tenant:42"]'],
  }).optional(),
  elapsedms: described(
    z.int(),
    'Of a claim: for how long the job had been due. Of the end of a claim: how long it lasted.',
  ).optional(),
  correlationid: described(z.string(), 'What the whole chain of work belongs to.').optional(),
  causationid: described(z.string(), 'The request or event that led to it.').optional(),
  authtype: described(
    z.enum(['unknown', 'system']),
    '`system` for what a worker or Daybook itself did.',
  ),
  authid: described(z.string(), 'Who asked.').optional(),
};

export const cloudEventSchema = named(
  'CloudEvent',
  z.strictObject({
    ...cloudEventAttributes,
    data: described(
      z.record(z.string(), z.unknown()),
      'What happened, by type; /asyncapi.json has the schema of each. Times in it are ms since the epoch.',
    ),
  }),
  'An event of the log as CloudEvents 1.0. Lease tokens are secrets and are left out.',
);

const logTokenField = described(
  z.string(),
  'A place in the log: give it as `after`, or as Last-Event-ID, to go on behind it.',
  { examples: ['v1.1.48151623'] },
);

export const eventPageSchema = named(
  'EventPage',
  z.strictObject({
    data: z.array(cloudEventSchema),
    nextAfter: logTokenField,
    caughtUp: described(
      z.boolean(),
      'False when there is more. A page may be empty all the same: under a filter that fits little, a page ends when it has looked at enough.',
    ),
  }),
  'Events in the order of the log.',
);

const PATTERNS = 100;

/** A query parameter that may stand once or several times. */
function repeated<Schema extends z.ZodType>(schema: Schema, description: string) {
  const list = z
    .union([schema.transform((one) => [one]), z.array(schema).min(1).max(PATTERNS)])
    .optional();
  return described(list, description);
}

const printable = z.string().refine(isKey, 'must be 1 to 255 printable characters');

/** The filter of a reader of the log, as query parameters. */
export const eventFilterFields = {
  eventType: repeated(
    z.string().refine(isEventType, `must be one of ${eventTypes.join(', ')}`),
    'Types of events, such as JobFailed.',
  ),
  queue: repeated(nameField, 'Queues; one that does not exist yet fits once it does.'),
  jobType: repeated(nameField, 'Types of jobs; events of queues have none.'),
  job: repeated(uuidField, 'Ids of jobs.'),
  tag: repeated(
    printable.refine(isStorable, 'must not hold NUL'),
    'Tags of the job at that moment; one of those given is enough.',
  ),
  correlation: repeated(printable, 'The whole chain of work, across jobs.'),
};
