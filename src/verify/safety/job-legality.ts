import type { RecordedJobEvent } from '../../domain/job/events.ts';
import { whyIllegal } from '../../domain/job/legality.ts';
import { hasEnded, type JobState } from '../../domain/job/state.ts';
import type { SafetyRule } from './violation.ts';

/** Which rule an event breaks, and how. */
export interface Breach {
  readonly rule: SafetyRule;
  readonly detail: string;
}

/**
 * Whether an event may follow in a job's stream; null when it may. The rules that have a name of their
 * own come first, and then everything that `decideJob` never gives.
 * @param before the fold of the events before; null for a stream that begins
 * @param last the event right before
 */
export function breachOf(
  before: JobState | null,
  last: RecordedJobEvent | null,
  event: RecordedJobEvent,
): Breach | null {
  if (before === null && event.version > 1) {
    const detail = 'the stream never began, or had ended long before';
    return breachOfEnd(before, event) ?? { rule: 'stream-illegal', detail };
  }
  const expected = (before?.version ?? 0) + 1;
  if (event.version !== expected) {
    return { rule: 'stream-illegal', detail: `version ${expected} is missing, or stands twice` };
  }
  const named = before === null ? null : namedBreachOf(before, event);
  if (named !== null) return named;
  const detail = whyIllegalOrUnreadable(before, last, event);
  return detail === null ? null : { rule: 'stream-illegal', detail };
}

/** Why a claim cannot end: there was none, or it has ended. */
function breachOfEnd(before: JobState | null, event: RecordedJobEvent): Breach | null {
  if (!endsClaim(event) || before?.status === 'running') return null;
  const last = before?.lastOutcome;
  if (last === null || last === undefined) {
    return { rule: 'outcome-without-claim', detail: `${event.type}, and no claim was open` };
  }
  return {
    rule: 'outcome-twice',
    detail: `${event.type}, and the newest claim has ${last.outcome} already`,
  };
}

/** The events that end a claim. */
function endsClaim({ type }: RecordedJobEvent): boolean {
  return (
    type === 'JobCompleted' ||
    type === 'JobFailed' ||
    type === 'JobSnoozed' ||
    type === 'JobInterrupted'
  );
}

function namedBreachOf(before: JobState, event: RecordedJobEvent): Breach | null {
  const attempt = before.failures + 1;
  if (event.type === 'JobClaimed' && !hasEnded(before)) {
    if (before.status === 'running') {
      return { rule: 'one-lease', detail: `claimed while version ${before.version} was claimed` };
    }
    if (event.data.attempt !== attempt) return wrongAttempt(attempt, event.data.attempt);
    if (event.occurredAtMs < before.runAtMs) {
      const early = before.runAtMs - event.occurredAtMs;
      return { rule: 'claimed-early', detail: `claimed ${early} ms before its time` };
    }
    return null;
  }
  const end = breachOfEnd(before, event);
  if (end !== null) return end;
  if (event.type === 'JobFailed' && event.data.attempt !== attempt) {
    return wrongAttempt(attempt, event.data.attempt);
  }
  return null;
}

function wrongAttempt(expected: number, found: number): Breach {
  return { rule: 'attempt-number', detail: `it is attempt ${expected}, and says ${found}` };
}

function whyIllegalOrUnreadable(
  before: JobState | null,
  last: RecordedJobEvent | null,
  event: RecordedJobEvent,
): string | null {
  try {
    return whyIllegal(before, last, event);
  } catch {
    // Data of another shape than its type has.
    return 'what it says cannot be read';
  }
}
