import { z } from 'zod';
import { jobLimits } from '../../domain/job/new-job.ts';
import { keyField, msField, shownTime, uuidField } from './fields.ts';
import { phaseField } from './job.ts';
import { described, named } from './registry.ts';

/** Outcomes per request at the most. */
const ITEMS = 1_000;

export const claimSchema = named(
  'ClaimRequest',
  z.strictObject({
    worker: keyField('What GET /v1/workers calls this worker.'),
    session: described(
      uuidField.optional(),
      'The session of an earlier answer; without one a new session is opened.',
    ),
    limit: described(z.int().min(1).max(1_000).default(1), 'Jobs at the most.'),
    leaseMs: msField(
      2_000,
      600_000,
      'How long jobs stay claimed without a heartbeat; counts when the session is opened.',
    ).default(30_000),
    waitMs: msField(0, 30_000, 'How long to wait for a job where none is due.').default(0),
  }),
  'Who wants how many jobs.',
  { examples: [{ worker: 'mailer-1', limit: 10, leaseMs: 30_000, waitMs: 20_000 }] },
);

const claimedJobSchema = named(
  'ClaimedJob',
  z.strictObject({
    id: uuidField,
    leaseToken: described(uuidField, 'A secret: with it the outcome of this claim is recorded.'),
    queue: z.string(),
    type: z.string(),
    payload: z.unknown(),
    attempt: described(z.int(), 'From 1; interrupted attempts do not count.'),
    maxAttempts: z.int(),
    priority: z.int(),
    timeoutMs: z.int().nullable(),
    suspect: described(z.boolean(), 'Interrupted before. It comes alone, and is taken as started.'),
    runAt: shownTime,
    submittedAt: shownTime,
    claimedAt: shownTime,
    correlationId: z.string().nullable(),
    tags: z.array(z.string()),
  }),
  'A job as its worker gets it.',
);

export const claimedSchema = named(
  'Claimed',
  z.strictObject({
    session: uuidField,
    leaseUntil: described(shownTime, 'Beat before then: POST /v1/workers/{session}/heartbeat.'),
    jobs: z.array(claimedJobSchema),
  }),
  'The session, and what it holds from now on; no job if none was due.',
);

function itemsOf<Item extends z.ZodObject>(id: string, item: Item, description: string) {
  const items = z
    .array(item)
    .min(1)
    .max(ITEMS)
    .superRefine((given, context) => {
      const seen = new Set<unknown>();
      for (const [index, { jobId }] of (given as { jobId: string }[]).entries()) {
        if (seen.has(jobId)) {
          const message = 'stands twice among the items';
          context.addIssue({ code: 'custom', path: [index, 'jobId'], message });
        }
        seen.add(jobId);
      }
    });
  return named(id, z.strictObject({ items }), description);
}

const claim = { jobId: uuidField, leaseToken: uuidField };

export const completionsSchema = itemsOf(
  'Completions',
  z.strictObject({
    ...claim,
    result: described(z.unknown().optional(), 'Anything JSON can carry, up to 1 MiB.'),
  }),
  'Claims that completed.',
);

export const failuresSchema = itemsOf(
  'Failures',
  z.strictObject({
    ...claim,
    error: described(
      z.strictObject({
        name: z.string().max(10_000).default('Error'),
        message: z.string().max(100_000),
        stack: z.string().max(100_000).optional(),
      }),
      'What went wrong; kept in the history, cut to 100, 2,000 and 8,000 characters.',
    ),
    retryable: described(
      z.boolean().default(true),
      'False: dead at once, whatever attempts are left.',
    ),
    retryDelayMs: msField(
      0,
      jobLimits.delayMs,
      'How long until the next attempt; goes before the job’s own policy.',
    ).optional(),
  }),
  'Claims that failed.',
);

export const snoozesSchema = itemsOf(
  'Snoozes',
  z.strictObject({ ...claim, delayMs: msField(0, jobLimits.delayMs, 'How long to put it off.') }),
  'Claims whose jobs are put off; no attempt is used up.',
);

export const releasesSchema = itemsOf(
  'Releases',
  z.strictObject(claim),
  'Claims that are given back; no attempt is used up.',
);

export const outcomesSchema = named(
  'Outcomes',
  z.strictObject({
    items: z.array(
      z.strictObject({
        jobId: uuidField,
        outcome: described(
          z.enum(['recorded', 'already-recorded', 'lease-lost']),
          '`lease-lost`: the job was cancelled or given to another worker, and nothing was recorded.',
        ),
        state: described(phaseField.optional(), 'What a recorded outcome made of the job.'),
      }),
    ),
  }),
  'What became of each item, in the order given.',
);
