import { z } from 'zod';
import { shownTime, uuidField } from './fields.ts';
import { described, named } from './registry.ts';

export const workersSchema = named(
  'Workers',
  z.strictObject({
    data: z.array(
      z.strictObject({
        session: uuidField,
        name: z.string(),
        host: z.string().nullable(),
        pid: z.int().nullable(),
        version: z.string().nullable(),
        queues: z.array(z.string()),
        types: described(z.array(z.string()), 'Empty for a worker over HTTP: it does not say.'),
        slots: z.int(),
        leaseMs: z.int(),
        startedAt: shownTime,
        lastBeatAt: shownTime,
        leaseUntil: shownTime,
      }),
    ),
  }),
  'Sessions that live, newest first, 1,000 at most.',
);

export const beatSchema = named(
  'Beat',
  z.strictObject({
    leaseUntil: shownTime,
    cancelRequested: described(
      z.array(uuidField),
      'Jobs of this session that somebody wants cancelled: stop, then fail or release them.',
    ),
  }),
  'The answer to a heartbeat.',
);
