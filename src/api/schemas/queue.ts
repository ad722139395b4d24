import { z } from 'zod';
import { asOfField, shownTime, tokenField } from './fields.ts';
import { described, named } from './registry.ts';

export const queueSettingsSchema = named(
  'QueueSettings',
  z.strictObject({
    concurrency: described(
      z.int().min(1).max(10_000).optional(),
      'Jobs of this queue that one worker process runs at a time, where the worker names no number.',
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

export const queueSchema = named(
  'Queue',
  z.strictObject({
    ...queueFields,
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
