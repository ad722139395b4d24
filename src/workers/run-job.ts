import type { ClaimedJob } from '../commands/work/claim-jobs.ts';
import { jobErrorFrom } from '../domain/job/job-error.ts';
import type { JobError } from '../domain/job/events.ts';
import type { RetryPolicy } from '../domain/retry-policy.ts';
import type { Clock } from '../kernel/clock.ts';
import { DaybookError } from '../kernel/errors.ts';
import { isRetryable, Snooze } from './definitions/control-flow.ts';
import { type Definitions, parsePayload } from './definitions/job-catalog.ts';
import type { AnyJobDefinition } from './definitions/job-catalog.ts';
import type { AbortReason, JobAbort, JobContext, Middleware } from './job-context.ts';

/** How a run ended, and so which outcome is to be written. */
export type RunOutcome =
  | { readonly kind: 'complete'; readonly result: unknown }
  | {
      readonly kind: 'fail';
      readonly error: JobError;
      readonly retryable: boolean;
      readonly fallbackPolicy?: RetryPolicy;
      readonly fallbackDelayMs?: number;
    }
  | { readonly kind: 'snooze'; readonly delayMs: number }
  /** Given back without burning the attempt: shutdown, or a cancellation that it obeyed. */
  | { readonly kind: 'release' }
  /** Nothing is to be written: the lease is gone. */
  | { readonly kind: 'none' };

export interface RunOptions {
  readonly definitions: Definitions;
  readonly middleware: readonly Middleware[];
  readonly clock: Clock;
  /** Where neither the job nor its definition names a limit, in ms. */
  readonly defaultTimeoutMs: number;
  /** How long a handler may take to stop once aborted, in ms. */
  readonly abortGraceMs: number;
}

/**
 * Runs one job's handler and says what came of it: at once where the handler does, because a promise
 * and a timer would be most of what a quick job costs. Never throws or rejects, whatever the handler
 * does, and always ends: a handler that does not heed its signal is given up after the grace.
 * @param abort stops the handler; on timeout this function does so itself
 */
export function runJob(
  job: ClaimedJob,
  context: JobContext,
  abort: JobAbort,
  options: RunOptions,
): RunOutcome | Promise<RunOutcome> {
  const definition = options.definitions.get(job.type);
  if (definition === undefined) {
    const error = new DaybookError('unknown-type', `No handler for the type "${job.type}" here.`);
    return failure(error, undefined, job);
  }
  const timeoutMs = job.timeoutMs ?? definition.timeoutMs ?? options.defaultTimeoutMs;
  const outcomeAt = (ended: Ended) => {
    try {
      return outcomeOf(ended, abort.reason, definition, job, timeoutMs);
    } catch (thrown) {
      // What was returned refuses to be looked at: nothing could be stored of it.
      return outcomeOf({ thrown }, abort.reason, definition, job, timeoutMs);
    }
  };
  if (abort.reason !== null) return outcomeAt('given-up');
  try {
    const value = invoke(definition, job, context, options.middleware);
    if (!isThenable(value)) return outcomeAt({ value });
    return withinLimits(value, outcomeAt, timeoutMs, abort, options);
  } catch (thrown) {
    return outcomeAt({ thrown });
  }
}

type Ended = { readonly value: unknown } | { readonly thrown: unknown } | 'given-up';

function invoke(
  definition: AnyJobDefinition,
  job: ClaimedJob,
  context: JobContext,
  middleware: readonly Middleware[],
): unknown {
  const payload = parsePayload(definition, job.payload);
  if (middleware.length === 0) return definition.handler(payload, context);
  return surrounded(middleware, context, async () => definition.handler(payload, context));
}

function surrounded(
  middleware: readonly Middleware[],
  context: JobContext,
  handle: () => Promise<unknown>,
): Promise<unknown> {
  let next = handle;
  for (const around of middleware.toReversed()) {
    const inner = next;
    next = async () => around(context, inner);
  }
  return next();
}

/** What `await` would wait for. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

/** The work's end, or `given-up` when it does not stop within the grace after its abort. */
function withinLimits(
  work: PromiseLike<unknown>,
  outcomeAt: (ended: Ended) => RunOutcome,
  timeoutMs: number,
  abort: JobAbort,
  { clock, abortGraceMs }: RunOptions,
): Promise<RunOutcome> {
  return new Promise((resolve) => {
    const cancelTimeout = clock.after(timeoutMs, () => abort.abort('timeout'));
    let cancelGrace: () => void = () => undefined;
    const end = (ended: Ended) => {
      cancelTimeout();
      cancelGrace();
      resolve(outcomeAt(ended));
    };
    abort.onAbort(() => {
      cancelTimeout();
      cancelGrace = clock.after(abortGraceMs, () => end('given-up'));
    });
    Promise.resolve(work).then(
      (value) => end({ value }),
      (thrown: unknown) => end({ thrown }),
    );
  });
}

function outcomeOf(
  ended: Ended,
  aborted: AbortReason | null,
  definition: AnyJobDefinition,
  job: ClaimedJob,
  timeoutMs: number,
): RunOutcome {
  if (aborted === 'lease-lost') return { kind: 'none' };
  if (ended !== 'given-up' && 'value' in ended) {
    if (ended.value instanceof Snooze) return { kind: 'snooze', delayMs: ended.value.delayMs };
    return { kind: 'complete', result: ended.value };
  }
  if (aborted === 'cancelled' || aborted === 'shutdown') return { kind: 'release' };
  if (aborted === 'timeout') {
    const error = new DaybookError('handler-timeout', `The handler took over ${timeoutMs} ms.`);
    return failure(error, definition, job);
  }
  return failure(ended === 'given-up' ? undefined : ended.thrown, definition, job);
}

function failure(
  thrown: unknown,
  definition: AnyJobDefinition | undefined,
  job: ClaimedJob,
): RunOutcome {
  const error = errorOf(thrown);
  const base = { kind: 'fail', error, retryable: isRetryable(thrown) } as const;
  const retry = definition?.retry;
  if (retry === undefined) return base;
  if (typeof retry !== 'function') return { ...base, fallbackPolicy: retry };
  try {
    return { ...base, fallbackDelayMs: retry(job.attempt, thrown) };
  } catch {
    // A retry function that throws leaves the delay to the default policy; the handler's own error
    // is the one worth keeping.
    return base;
  }
}

/** Daybook's own errors are known by their code. */
function errorOf(thrown: unknown): JobError {
  const error = jobErrorFrom(thrown);
  return thrown instanceof DaybookError ? { name: thrown.code, message: error.message } : error;
}
