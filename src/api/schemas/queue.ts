import { z } from 'zod';
import { asOfField, asOfSchema, shownTime, tokenField, uuidField } from './fields.ts';
import { described, named } from './registry.ts';

export const queueSettingsSchema = named(
  'QueueSettings',
  z.strictObject({
    concurrency: described(
      z.int().min(1).max(10_000).optional(),
      'Jobs of this queue that one worker process runs at a time, where the worker names no number.',
    ),
    maxWaiting: described(
      z.int().min(1).optional(),
      'Jobs that may wait in it, scheduled ones too; submissions beyond that are refused with `queue-full`.',
    ),
  }),
  'Settings of a queue; what was never set is absent.',
);

const perSecond = (time: string) =>
  described(
    z.strictObject({ submitted: z.number(), completed: z.number(), failed: z.number() }),
    `Per second, over the last ${time}.`,
  );

const queueFields = {
  name: z.string(),
  paused: z.boolean(),
  settings: queueSettingsSchema,
  createdAt: shownTime,
};

const countedFields = {
  jobs: described(
    z.strictObject({
      waiting: described(z.int(), 'Scheduled, ready or retrying.'),
      running: z.int(),
      completed: z.int(),
      dead: z.int(),
      cancelled: z.int(),
    }),
    'How many of its jobs stand where.',
  ),
  totals: described(
    z.strictObject({
      submitted: z.int(),
      started: z.int(),
      failed: z.int(),
      retried: z.int(),
      interrupted: z.int(),
    }),
    'How often what has happened in it, ever.',
  ),
};

export const queueSchema = named(
  'Queue',
  z.strictObject({
    ...queueFields,
    ...countedFields,
    rates: described(
      z.strictObject({
        lastMinute: perSecond('whole minute'),
        lastFiveMinutes: perSecond('five whole minutes'),
      }),
      'How much happens in it, the minute that is not over left out; GET /v1/stats has more.',
    ),
    oldestDueAt: described(
      shownTime.nullable(),
      'Since when its oldest due job waits; null if none is due.',
    ),
  }),
  'A queue and how much is in it.',
);

const queueAtFields = {
  ...queueFields,
  ...countedFields,
  oldestWaiting: described(
    z
      .strictObject({
        id: uuidField,
        since: shownTime,
        runAt: described(z.string(), 'Not before this time.', { format: 'date-time' }),
      })
      .nullable(),
    'The job that had been waiting longest, scheduled ones too; null if none was.',
  ),
};

export const queueAtSchema = named(
  'QueueAt',
  z.strictObject({
    ...queueAtFields,
    running: described(
      z.array(
        z.strictObject({
          id: uuidField,
          type: z.string(),
          attempt: z.int(),
          session: described(uuidField, 'The worker session that held it.'),
          since: shownTime,
        }),
      ),
      'What was running, longest first: the first 100.',
    ),
    asOf: asOfSchema,
  }),
  'A queue as it was at a moment.',
);

export const queuesAtSchema = named(
  'QueuesAt',
  z.strictObject({
    data: z.array(named('ListedQueueAt', z.strictObject(queueAtFields), 'A queue as it was.')),
    asOf: asOfSchema,
  }),
  'The queues that there were at a moment, by name.',
);

export const queuesSchema = named(
  'Queues',
  z.strictObject({ data: z.array(queueSchema), asOf: asOfField }),
  'By name.',
);

export const writtenQueue = named(
  'WrittenQueue',
  z.strictObject({ queue: z.strictObject(queueFields), token: tokenField }),
  'The queue after a command.',
);
