import { z } from 'zod';
import { shownBackoff } from './backoff.ts';
import {
  asOfSchema,
  asOfField,
  fingerprintField,
  positionField,
  shownTime,
  tokenField,
  uuidField,
} from './fields.ts';
import { described, named } from './registry.ts';

export const jobPhases = [
  'scheduled',
  'ready',
  'retrying',
  'running',
  'completed',
  'dead',
  'cancelled',
] as const;

export const phaseField = described(
  z.enum(jobPhases),
  '`scheduled` runs later, `retrying` runs later because it failed, `dead` is out of attempts.',
);

const jobErrorSchema = named(
  'JobError',
  z.strictObject({ name: z.string(), message: z.string(), stack: z.string().optional() }),
  'What a handler threw, cut to size.',
);

const jobFields = {
  id: uuidField,
  queue: z.string(),
  type: z.string(),
  state: phaseField,
  version: described(z.int(), 'Events of the job so far.'),
  priority: z.int(),
  runAt: described(z.string(), 'Not before this time; of an ended job, when it was last due.', {
    format: 'date-time',
  }),
  submittedAt: shownTime,
  startedAt: shownTime.nullable(),
  endedAt: shownTime.nullable(),
  failures: described(z.int(), 'Attempts that failed; interrupted ones do not count.'),
  maxAttempts: z.int(),
  backoff: shownBackoff.nullable(),
  timeoutMs: z.int().nullable(),
  tags: z.array(z.string()),
  uniqueKey: z.string().nullable(),
  correlationId: z.string().nullable(),
  replayOf: described(z.string().nullable(), 'The job that this one runs again.'),
  payloadBytes: z.int(),
  payloadErased: z.boolean(),
  suspect: described(z.boolean(), 'Interrupted before: claimed alone, and watched.'),
  session: described(uuidField.nullable(), 'The worker session that holds it.'),
  cancelRequested: z.boolean(),
  cancelReason: z.string().nullable(),
  deadReason: z.enum(['attempts-exhausted', 'not-retryable', 'crashes-its-worker']).nullable(),
  error: described(jobErrorSchema.nullable(), 'Of the newest attempt that failed.'),
};

export const jobSchema = named(
  'Job',
  z.strictObject(jobFields),
  'A job without its payload and result.',
);

export const attemptSchema = named(
  'Attempt',
  z.strictObject({
    attempt: described(z.int(), 'From 1; an interrupted attempt gives its number back.'),
    session: z.string(),
    startedAt: shownTime,
    endedAt: shownTime.nullable(),
    outcome: z.enum(['running', 'completed', 'failed', 'snoozed', 'interrupted']),
    error: jobErrorSchema.nullable(),
  }),
  'One claim of a job.',
);

export const jobDetailSchema = named(
  'JobDetail',
  z.strictObject({
    ...jobFields,
    token: tokenField,
    payload: described(z.unknown(), 'What was submitted; null if it was erased.'),
    result: described(z.unknown(), 'What its handler returned; null if it returned nothing.'),
    progress: described(z.unknown(), 'What its handler said last while it ran.'),
    attempts: z.array(attemptSchema),
    asOf: described(asOfSchema.optional(), 'The moment that was asked for; absent: now.'),
  }),
  'A job with everything that is known of it.',
);

export const writtenJob = named(
  'WrittenJob',
  z.strictObject({ job: jobSchema, token: tokenField }),
  'The job after a command.',
);

export const jobPageSchema = named(
  'JobPage',
  z.strictObject({
    data: z.array(
      z.strictObject({
        id: jobFields.id,
        queue: jobFields.queue,
        type: jobFields.type,
        state: jobFields.state,
        version: jobFields.version,
        priority: jobFields.priority,
        runAt: jobFields.runAt,
        submittedAt: jobFields.submittedAt,
        startedAt: jobFields.startedAt,
        endedAt: jobFields.endedAt,
        failures: jobFields.failures,
        maxAttempts: jobFields.maxAttempts,
        tags: jobFields.tags,
        uniqueKey: jobFields.uniqueKey,
        correlationId: jobFields.correlationId,
        error: described(
          z.strictObject({ name: z.string(), message: z.string() }).nullable(),
          'Of the newest attempt that failed, the message cut to 200 characters.',
        ),
        failure: described(
          fingerprintField.nullable(),
          'The fingerprint of that error; GET /v1/failures has all of its kind.',
        ),
      }),
    ),
    nextPageToken: described(z.string().optional(), 'Absent on the last page.'),
    asOf: asOfField,
  }),
  'Jobs, newest first.',
);

export const eventSchema = named(
  'Event',
  z.strictObject({
    position: described(positionField.nullable(), 'Null until the sequencer has given it one.'),
    version: described(z.int(), 'Place among the events of the job, from 1.'),
    type: z.string(),
    schemaVersion: z.int(),
    occurredAt: shownTime,
    queue: z.string(),
    actor: z.string().nullable(),
    causation: z.string().nullable(),
    correlation: z.string().nullable(),
    data: described(
      z.record(z.string(), z.unknown()),
      'As it is in the log, so that it can be folded; times in it are ms since the epoch.',
    ),
  }),
  'A change of a job. Lease tokens are secrets and are left out.',
);

export const jobEventsSchema = named(
  'JobEvents',
  z.strictObject({ data: z.array(eventSchema) }),
  'The whole history of a job, oldest first.',
);

export const jobLogsSchema = named(
  'JobLogs',
  z.strictObject({
    data: z.array(z.strictObject({ line: z.int(), loggedAt: shownTime, message: z.string() })),
    nextAfter: described(z.int().optional(), 'Give it as `after` to read on; absent at the end.'),
  }),
  'What a handler logged, by line.',
);
