import { z } from 'zod';
import type { EventType } from '../../../domain/event-types.ts';
import type { JobEventData } from '../../../domain/job/events.ts';
import type { QueueEventData } from '../../../domain/queue/queue.ts';
import { nameField, tagsField } from '../fields.ts';
import { described } from '../registry.ts';

const timeMs = described(z.int(), 'ms since the Unix epoch.');
const reason = described(z.string().nullable(), 'Why, in the words of who asked.');
const attempt = described(
  z.int(),
  'From 1; counts attempts that failed, so an interrupted one gives its number back.',
);
const delay = z.number();

const retryPolicy = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('exponential'),
    baseMs: delay,
    factor: z.number(),
    maxMs: delay,
    jitter: z.number(),
  }),
  z.object({
    kind: z.literal('linear'),
    baseMs: delay,
    stepMs: delay,
    maxMs: delay,
    jitter: z.number(),
  }),
  z.object({ kind: z.literal('fixed'), delayMs: delay, jitter: z.number() }),
  z.object({ kind: z.literal('custom') }),
]);

const changes = z.object({
  priority: z.int().exactOptional(),
  maxAttempts: z.int().exactOptional(),
  retryPolicy: retryPolicy.exactOptional(),
  timeoutMs: z.int().nullable().exactOptional(),
  tags: tagsField.exactOptional(),
  payloadHash: z.string().exactOptional(),
  payloadBytes: z.int().exactOptional(),
});

const queueSettings = z.object({
  concurrency: z.int().exactOptional(),
  maxWaiting: z.int().exactOptional(),
});
const onlyReason = z.object({ reason });
const later = z.object({ runAtMs: timeMs });

/** What an event says as others get it: without lease tokens, which are secrets. */
type Shown = {
  readonly [Type in EventType]: Omit<(JobEventData & QueueEventData)[Type], 'leaseToken'>;
};

/** A schema that gives just that, and leaves no field out, though it may be an optional one. */
type SchemaOf<Data> = z.ZodType<Data> & {
  readonly shape: { readonly [Key in keyof Data]-?: z.ZodType };
};

/**
 * What the data of each event holds, by its type; the AsyncAPI document is made from it. The compiler
 * holds it against the events of the domain.
 */
export const eventDataSchemas = {
  JobSubmitted: z.object({
    type: nameField,
    priority: z.int(),
    maxAttempts: z.int(),
    runAtMs: described(timeMs, 'Runs no earlier than this; absent: at once.').exactOptional(),
    delayMs: described(z.int(), 'Runs no earlier than this long after it.').exactOptional(),
    retryPolicy: retryPolicy.exactOptional(),
    timeoutMs: z.int().exactOptional(),
    tags: tagsField.exactOptional(),
    uniqueKey: z.string().exactOptional(),
    replayOf: described(z.string(), 'The job that this one runs again.').exactOptional(),
    payloadHash: described(z.string(), 'SHA-256 of the payload; the payload itself stays inside.'),
    payloadBytes: z.int(),
  }),
  JobClaimed: z.object({ attempt, session: z.string() }),
  JobCompleted: z.object({
    resultHash: z.string().exactOptional(),
    resultBytes: z.int().exactOptional(),
  }),
  JobFailed: z.object({
    attempt,
    error: z.object({
      name: z.string(),
      message: z.string(),
      stack: z.string().exactOptional(),
    }),
  }),
  JobRetried: z.object({
    runAtMs: timeMs,
    reason: described(reason, 'Present when an operator asked, and not a policy.').exactOptional(),
    revived: described(
      z.object({ maxAttempts: z.int() }),
      'Present when it brought a dead job back.',
    ).exactOptional(),
  }),
  JobDead: z.object({
    reason: z.enum(['attempts-exhausted', 'not-retryable', 'crashes-its-worker']),
  }),
  JobCancelled: onlyReason,
  JobInterrupted: z.object({
    reason: z.enum(['lease-expired', 'released']),
    crashed: z.literal(true).exactOptional(),
  }),
  JobCancelRequested: onlyReason,
  JobSnoozed: later,
  JobRescheduled: z.object({ runAtMs: timeMs, reason }),
  JobEdited: z.object({ changes, reason }),
  JobMoved: z.object({ from: z.string(), to: z.string(), reason }),
  PayloadErased: onlyReason,
  QueueCreated: z.object({ name: nameField }),
  QueuePaused: onlyReason,
  QueueResumed: onlyReason,
  QueueConfigured: z.object({ settings: queueSettings, reason }),
} satisfies { readonly [Type in EventType]: SchemaOf<Shown[Type]> };
