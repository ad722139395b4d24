import { accept, type Decision, reject } from '../rejection.ts';
import { clampDelay, defaultRetryPolicy, retryDelayMs } from '../retry-policy.ts';
import type { DecisionContext, JobCommand } from './commands.ts';
import type { JobEvent } from './events.ts';
import { type JobState, maxCrashes } from './state.ts';
import { legalCommands } from './transitions.ts';

type OutcomeCommand = Extract<JobCommand, { kind: 'complete' | 'fail' | 'snooze' | 'release' }>;

/**
 * What a command does to a job: the events to append, or why not. Pure.
 * @param state the fold of the job's stream; null for a job that was never submitted
 */
export function decideJob(
  state: JobState | null,
  command: JobCommand,
  context: DecisionContext,
): Decision<JobEvent> {
  if (state === null) {
    if (command.kind === 'submit') return accept({ type: 'JobSubmitted', data: command.job });
    return reject('job-not-found', 'No such job was ever submitted.');
  }
  switch (command.kind) {
    case 'submit':
      return reject('already-recorded', 'A job with this id was submitted before.');
    case 'complete':
    case 'fail':
    case 'snooze':
    case 'release':
      return decideOutcome(state, command, context);
    default:
      if (!legalCommands[state.status].includes(command.kind)) return illegal(state, command.kind);
      return decideLegal(state, command, context);
  }
}

function decideLegal(
  state: JobState,
  command: Exclude<JobCommand, OutcomeCommand | { kind: 'submit' }>,
  context: DecisionContext,
): Decision<JobEvent> {
  switch (command.kind) {
    case 'claim':
      if (state.runAtMs > context.nowMs) {
        return reject('illegal-transition', 'The job is not due yet.');
      }
      return accept({
        type: 'JobClaimed',
        data: {
          attempt: state.failures + 1,
          session: command.session,
          leaseToken: command.leaseToken,
        },
      });
    case 'expire':
      return decideExpiry(state, command.startMarked);
    case 'cancel':
      return decideCancel(state, command.reason);
    case 'retry':
      return decideRetry(state, command.reason, context.nowMs + clampDelay(command.delayMs));
    case 'reschedule': {
      const { runAtMs, reason } = command;
      return accept({ type: 'JobRescheduled', data: { runAtMs, reason } });
    }
    case 'edit': {
      if (Object.keys(command.changes).length === 0) {
        return reject('illegal-transition', 'Nothing would change.');
      }
      if ((command.changes.maxAttempts ?? Number.POSITIVE_INFINITY) <= state.failures) {
        return reject('illegal-transition', `The job has failed ${state.failures} times already.`);
      }
      const { changes, reason } = command;
      return accept({ type: 'JobEdited', data: { changes, reason } });
    }
    case 'move':
      if (command.queue === state.queue) {
        return reject('illegal-transition', 'The job is in this queue already.');
      }
      return accept({
        type: 'JobMoved',
        data: { from: state.queue, to: command.queue, reason: command.reason },
      });
    case 'erase-payload':
      if (state.payloadErased) return reject('already-recorded', 'The payload is erased already.');
      return accept({ type: 'PayloadErased', data: { reason: command.reason } });
  }
}

function decideOutcome(
  state: JobState,
  command: OutcomeCommand,
  context: DecisionContext,
): Decision<JobEvent> {
  if (state.lease?.token !== command.leaseToken) {
    const last = state.lastOutcome;
    if (last?.token === command.leaseToken && last.outcome === recordedAs[command.kind]) {
      return reject('already-recorded', `The claim has ${last.outcome} already.`);
    }
    return reject('lease-lost', 'The lease token is not that of the job’s present claim.');
  }
  switch (command.kind) {
    case 'complete': {
      const { resultHash, resultBytes } = command;
      const data = resultHash === undefined ? {} : { resultHash, resultBytes: resultBytes ?? 0 };
      return accept({ type: 'JobCompleted', data });
    }
    case 'fail':
      return decideFailure(state, command, context);
    case 'snooze': {
      const runAtMs = context.nowMs + clampDelay(command.delayMs);
      return endOfClaim(state, { type: 'JobSnoozed', data: { runAtMs } });
    }
    case 'release':
      return endOfClaim(state, { type: 'JobInterrupted', data: { reason: 'released' } });
  }
}

const recordedAs = {
  complete: 'completed',
  fail: 'failed',
  snooze: 'snoozed',
  release: 'released',
} as const;

/** A claim that ends without completing: a wish to cancel, heard meanwhile, is granted now. */
function endOfClaim(state: JobState, event: JobEvent, ...then: JobEvent[]): Decision<JobEvent> {
  if (state.cancelRequested === null) return accept(event, ...then);
  return accept(event, {
    type: 'JobCancelled',
    data: { reason: state.cancelRequested.reason },
  });
}

function decideFailure(
  state: JobState,
  command: Extract<JobCommand, { kind: 'fail' }>,
  context: DecisionContext,
): Decision<JobEvent> {
  const attempt = state.failures + 1;
  const failed: JobEvent = { type: 'JobFailed', data: { attempt, error: command.error } };
  if (!command.retryable) {
    return endOfClaim(state, failed, { type: 'JobDead', data: { reason: 'not-retryable' } });
  }
  if (attempt >= state.maxAttempts) {
    return endOfClaim(state, failed, { type: 'JobDead', data: { reason: 'attempts-exhausted' } });
  }
  const policy = state.retryPolicy ?? command.fallbackPolicy ?? defaultRetryPolicy;
  const own = state.retryPolicy !== null && state.retryPolicy.kind !== 'custom';
  const chosen = command.delayMs ?? (own ? undefined : command.fallbackDelayMs);
  const delayMs = retryDelayMs(policy, attempt, context.random, chosen);
  const runAtMs = context.nowMs + delayMs;
  return endOfClaim(state, failed, { type: 'JobRetried', data: { runAtMs } });
}

function decideExpiry(state: JobState, startMarked: boolean): Decision<JobEvent> {
  const crashed = state.suspect && startMarked;
  const interrupted: JobEvent = {
    type: 'JobInterrupted',
    data: { reason: 'lease-expired', ...(crashed ? { crashed: true as const } : {}) },
  };
  if (crashed && state.crashes + 1 >= maxCrashes) {
    return endOfClaim(state, interrupted, {
      type: 'JobDead',
      data: { reason: 'crashes-its-worker' },
    });
  }
  return endOfClaim(state, interrupted);
}

function decideCancel(state: JobState, reason: string | null): Decision<JobEvent> {
  if (state.status === 'waiting') return accept({ type: 'JobCancelled', data: { reason } });
  if (state.cancelRequested !== null) {
    return reject('already-recorded', 'Cancelling is requested already.');
  }
  return accept({ type: 'JobCancelRequested', data: { reason } });
}

function decideRetry(state: JobState, reason: string | null, runAtMs: number): Decision<JobEvent> {
  if (state.status === 'waiting') return accept({ type: 'JobRetried', data: { runAtMs, reason } });
  // One more attempt than were used, so that the job is tried and, failing, is seen again.
  const maxAttempts = Math.max(state.maxAttempts, state.failures + 1);
  return accept({ type: 'JobRetried', data: { runAtMs, reason, revived: { maxAttempts } } });
}

function illegal(state: JobState, kind: JobCommand['kind']): Decision<JobEvent> {
  return reject('illegal-transition', `A job that is ${state.status} does not accept ${kind}.`);
}
