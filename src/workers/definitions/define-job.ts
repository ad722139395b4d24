import type { z } from 'zod';
import { checkNewJob } from '../../domain/job/new-job.ts';
import type { RetryPolicy } from '../../domain/retry-policy.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { JobContext } from '../job-context.ts';

/**
 * A delay in ms before the next attempt, chosen by code.
 * @param failures how often the job has failed, this time included
 */
export type CustomRetry = (failures: number, error: unknown) => number;

export interface JobDefinition<Schema extends z.ZodType = z.ZodType> {
  /** What names the handler: 1 to 64 of a-z, 0-9, dot, underscore and hyphen. */
  readonly type: string;
  /** What the payload must be; checked at submission, and again when work starts. */
  readonly payload: Schema;
  /**
   * Does the work. What it returns is stored as the job's result; what it throws is the failure.
   * @param payload as the schema puts it out
   */
  handler(payload: z.output<Schema>, context: JobContext): unknown;
  /** Where jobs of this type go unless their submission says; default `default`. */
  readonly queue?: string;
  readonly priority?: number;
  readonly maxAttempts?: number;
  /** A policy, or a function that chooses each delay. */
  readonly retry?: RetryPolicy | CustomRetry;
  readonly timeoutMs?: number;
}

/**
 * A type of job: its payload's schema, and what runs it. Does nothing by itself; hand it to
 * `openDaybook({ jobs: [...] })` or export it from a jobs module.
 * @throws DaybookError `jobs-module-invalid`
 */
export function defineJob<Schema extends z.ZodType>(
  definition: JobDefinition<Schema>,
): JobDefinition<Schema> {
  const { type, queue, priority, maxAttempts, retry, timeoutMs } = definition;
  const retryPolicy = typeof retry === 'function' ? undefined : retry;
  const [wrong] = checkNewJob({ type, queue, priority, maxAttempts, retryPolicy, timeoutMs });
  if (wrong !== undefined) {
    throw new DaybookError(
      'jobs-module-invalid',
      `The definition of "${type}": ${wrong.pointer.slice(1)} ${wrong.message}.`,
    );
  }
  return definition;
}
