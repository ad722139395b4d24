import { z } from 'zod';
import { jobLimits } from '../../domain/job/new-job.ts';
import { backoffField } from './backoff.ts';
import {
  keyField,
  msField,
  nameField,
  priorityField,
  reasonField,
  tagsField,
  timeField,
  tokenField,
  uuidField,
} from './fields.ts';
import { described, named } from './registry.ts';

const payload = described(
  z.unknown().optional(),
  'Anything JSON can carry, up to 1 MiB; default null. Numbers beyond 2^53 lose digits: send them as strings.',
);

const maxAttempts = described(
  z.int().min(1).max(jobLimits.maxAttempts),
  'Attempts before the job is dead; default 10.',
);
const timeoutMs = msField(1, jobLimits.timeoutMs, 'How long one attempt may take.');

export const newJobSchema = named(
  'NewJob',
  z
    .strictObject({
      queue: nameField.optional(),
      type: nameField,
      payload,
      priority: priorityField.optional(),
      runAt: timeField.optional(),
      delayMs: msField(0, jobLimits.delayMs, 'Not before so long from now.').optional(),
      maxAttempts: maxAttempts.optional(),
      backoff: backoffField.optional(),
      timeoutMs: timeoutMs.optional(),
      tags: tagsField.optional(),
      correlationId: keyField('What the whole chain of work belongs to.').optional(),
      uniqueKey: keyField('At most one live job holds it.').optional(),
    })
    .refine((job) => job.runAt === undefined || job.delayMs === undefined, {
      path: ['delayMs'],
      error: 'must not be given together with runAt',
    }),
  'A job to be. Only `type` is required; the queue is `default` unless said otherwise.',
  {
    examples: [
      { queue: 'emails', type: 'send-welcome', payload: { userId: 42 }, tags: ['welcome'] },
    ],
  },
);

export const batchSchema = named(
  'NewJobs',
  z.strictObject({ jobs: z.array(newJobSchema).min(1).max(jobLimits.batch) }),
  'Jobs that are submitted together: all or none.',
);

export const submittedBatch = named(
  'SubmittedJobs',
  z.strictObject({
    jobs: z.array(z.strictObject({ id: uuidField, token: tokenField })),
    count: z.int(),
  }),
  'The jobs of a batch, in the order in which they were given.',
);

/** What may be changed on a waiting job. */
export const jobEditSchema = named(
  'JobEdit',
  z
    .strictObject({
      priority: priorityField.optional(),
      maxAttempts: maxAttempts.optional(),
      backoff: backoffField.optional(),
      timeoutMs: timeoutMs.nullable().optional(),
      tags: tagsField.optional(),
      payload,
      reason: reasonField.optional(),
    })
    .refine((edit) => Object.keys(edit).some((key) => key !== 'reason'), 'must change something'),
  'Changes of a job that waits; what is left out stays as it is.',
  { examples: [{ priority: 0, reason: 'the customer calls' }] },
);
