import { z } from 'zod';
import { jobLimits } from '../../domain/job/new-job.ts';
import { described, named } from './registry.ts';

const ms = z.int().min(0).max(jobLimits.delayMs);
const jitter = described(
  z.number().min(0).max(1).default(0.1),
  'The share of the delay that chance may take away or add.',
);

const exponential = z.strictObject({
  kind: z.literal('exponential'),
  baseMs: ms.default(1_000),
  factor: z.number().min(1).max(100).default(2),
  maxMs: ms.default(3_600_000),
  jitter,
});
const linear = z.strictObject({
  kind: z.literal('linear'),
  baseMs: ms.default(1_000),
  stepMs: ms.default(1_000),
  maxMs: ms.default(3_600_000),
  jitter,
});
const fixed = z.strictObject({ kind: z.literal('fixed'), delayMs: ms, jitter });

/** A retry policy as a request may name it. */
export const backoffField = named(
  'Backoff',
  z.discriminatedUnion('kind', [exponential, linear, fixed]),
  'When a failed job runs again; delays in ms.',
);

/** A retry policy as an answer shows it: `custom` was chosen by a worker's own code. */
export const shownBackoff = named(
  'RetryPolicy',
  z.discriminatedUnion('kind', [
    exponential,
    linear,
    fixed,
    z.strictObject({ kind: z.literal('custom') }),
  ]),
  'When a failed job runs again; `custom` leaves it to the definition of its type.',
);
