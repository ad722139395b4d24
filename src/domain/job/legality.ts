import type { RecordedJobEvent } from './events.ts';
import { type JobState, maxCrashes } from './state.ts';

/**
 * Why an event cannot have followed what stands before it in its stream; null when it can. The
 * counterpart of `decideJob`: what that never gives, and the SQL guards never let through, is illegal.
 * Looks at states and at what the event says; versions and times are for others to check.
 * @param before the fold of the events before; null for a stream that begins
 * @param last the event right before, for what one decision writes together
 */
export function whyIllegal(
  before: JobState | null,
  last: RecordedJobEvent | null,
  event: RecordedJobEvent,
): string | null {
  if (before === null) {
    return event.type === 'JobSubmitted' ? null : 'the stream does not begin with JobSubmitted';
  }
  if (event.type === 'JobSubmitted') return 'the job was submitted before';
  const owed = owedAfter(before, last);
  if (owed !== null && !owed.includes(event.type)) {
    return `${last?.type ?? 'the event before'} is followed by ${owed.join(' or ')}`;
  }
  if (event.type === 'PayloadErased') return whyNoErasure(before);
  switch (before.status) {
    case 'running':
      return whyNotWhileRunning(before, event);
    case 'waiting':
      return owed === null ? whyNotWhileWaiting(before, event) : whyNoSequel(before, last, event);
    case 'dead':
      return whyNotWhenDead(before, event);
    case 'completed':
    case 'cancelled':
      return `the job is ${before.status}`;
  }
}

/** Why a stream cannot end here; null when it can. What one decision writes is never half there. */
export function whyUnfinished(state: JobState, last: RecordedJobEvent): string | null {
  const owed = owedAfter(state, last);
  return owed === null ? null : `${last.type} is followed by ${owed.join(' or ')}`;
}

type EventType = RecordedJobEvent['type'];

/** What the decision that wrote `last` also wrote, right behind it; null for nothing. */
function owedAfter(state: JobState, last: RecordedJobEvent | null): readonly EventType[] | null {
  if (last === null || state.status !== 'waiting') return null;
  if (state.cancelRequested !== null) return ['JobCancelled'];
  if (last.type === 'JobFailed') return ['JobRetried', 'JobDead'];
  const crashed = last.type === 'JobInterrupted' && last.data.crashed === true;
  return crashed && state.crashes >= maxCrashes ? ['JobDead'] : null;
}

/** The second event of a decision: the first has been folded into `before` already. */
function whyNoSequel(
  before: JobState,
  last: RecordedJobEvent | null,
  event: RecordedJobEvent,
): string | null {
  if (last !== null && event.occurredAtMs !== last.occurredAtMs) {
    return `it was written together with ${last.type}, and has another time`;
  }
  const exhausted = before.failures >= before.maxAttempts;
  switch (event.type) {
    case 'JobCancelled':
      return event.data.reason === (before.cancelRequested?.reason ?? null)
        ? null
        : 'cancelling was requested for another reason';
    case 'JobRetried':
      if (event.data.reason !== undefined || event.data.revived !== undefined) {
        return 'a policy gives no reason, and revives no job';
      }
      return exhausted ? `the job has failed ${before.failures} times` : null;
    case 'JobDead':
      if (last?.type === 'JobInterrupted') {
        return event.data.reason === 'crashes-its-worker' ? null : 'it was interrupted, not failed';
      }
      if (event.data.reason === 'attempts-exhausted' && !exhausted) return 'it has attempts left';
      return event.data.reason === 'crashes-its-worker' ? 'it failed, and did not crash' : null;
    default:
      return null;
  }
}

function whyNotWhileWaiting(before: JobState, event: RecordedJobEvent): string | null {
  switch (event.type) {
    case 'JobClaimed':
      if (event.occurredAtMs < before.runAtMs) return 'the job was not due';
      if (event.data.leaseToken === before.lastOutcome?.token) {
        return 'the lease token is that of the claim before';
      }
      return whyOtherAttempt(before, event.data.attempt);
    case 'JobCancelled':
      return null;
    case 'JobRetried':
      if (event.data.revived !== undefined) return 'the job was not dead';
      return event.data.reason === undefined ? 'no attempt has failed just before' : null;
    case 'JobRescheduled':
      return null;
    case 'JobEdited': {
      const { changes } = event.data;
      if (Object.keys(changes).length === 0) return 'nothing was changed';
      const { maxAttempts = Number.POSITIVE_INFINITY } = changes;
      return maxAttempts > before.failures ? null : `the job had failed ${before.failures} times`;
    }
    case 'JobMoved':
      if (event.data.from !== before.queue) return `the job was in ${before.queue}`;
      return event.data.to === before.queue ? 'the job was in this queue already' : null;
    case 'JobDead':
      return 'no attempt has failed just before';
    default:
      return 'the job was not claimed';
  }
}

function whyNotWhileRunning(before: JobState, event: RecordedJobEvent): string | null {
  switch (event.type) {
    case 'JobCompleted':
    case 'JobSnoozed':
      return null;
    case 'JobFailed':
      return whyOtherAttempt(before, event.data.attempt);
    case 'JobInterrupted': {
      const { reason, crashed = false } = event.data;
      if (!crashed) return null;
      if (reason !== 'lease-expired') return 'only a lease that lapsed counts as a crash';
      return before.suspect ? null : 'the job was no suspect';
    }
    case 'JobCancelRequested':
      return before.cancelRequested === null ? null : 'cancelling was requested already';
    default:
      return 'the job was running';
  }
}

function whyNotWhenDead(before: JobState, event: RecordedJobEvent): string | null {
  if (event.type !== 'JobRetried') return 'the job is dead';
  const { revived, reason } = event.data;
  if (revived === undefined || reason === undefined) return 'only an operator brings a job back';
  const maxAttempts = Math.max(before.maxAttempts, before.failures + 1);
  return revived.maxAttempts === maxAttempts ? null : `it is given ${maxAttempts} attempts`;
}

function whyNoErasure(before: JobState): string | null {
  if (before.status === 'running') return 'the job was running';
  return before.payloadErased ? 'the payload was erased already' : null;
}

function whyOtherAttempt(before: JobState, attempt: number): string | null {
  const expected = before.failures + 1;
  return attempt === expected ? null : `it is attempt ${expected}`;
}
