import type { DeadReason, RecordedJobEvent } from '../../domain/job/events.ts';
import { hasEnded, type JobState } from '../../domain/job/state.ts';
import type { WitnessedFacts } from './witnesses/witnesses.ts';

/** What was counted on the way. */
export interface SafetyFacts {
  readonly events: number;
  readonly jobs: number;
  readonly claims: number;
  /** Claims that ended without an outcome, because their lease lapsed or the job was given back. */
  readonly interrupted: number;
  /** Jobs by where they are at the end of the log; `live` ones wait or run. */
  readonly live: number;
  readonly completed: number;
  readonly cancelled: number;
  readonly dead: Readonly<Record<DeadReason, number>>;
  /** Null without records of clients. */
  readonly witnessed: Readonly<WitnessedFacts> | null;
}

export function createSafetyFacts() {
  let events = 0;
  let jobs = 0;
  let claims = 0;
  let interrupted = 0;
  const ended = { live: 0, completed: 0, cancelled: 0 };
  const dead = { 'attempts-exhausted': 0, 'not-retryable': 0, 'crashes-its-worker': 0 };

  const add = (state: JobState, by: 1 | -1) => {
    if (state.status === 'completed' || state.status === 'cancelled') ended[state.status] += by;
    if (state.deadReason !== null && state.status === 'dead') dead[state.deadReason] += by;
    if (!hasEnded(state)) ended.live += by;
  };
  return {
    heard(): void {
      events += 1;
    },
    /** Takes a job as it was before an event, and as it is now. */
    changed(before: JobState | null, after: JobState, event: RecordedJobEvent): void {
      if (before === null) jobs += 1;
      else add(before, -1);
      add(after, 1);
      if (event.type === 'JobClaimed') claims += 1;
      if (event.type === 'JobInterrupted') interrupted += 1;
    },
    told: (witnessed: WitnessedFacts | null): SafetyFacts => ({
      events,
      jobs,
      claims,
      interrupted,
      ...ended,
      dead,
      witnessed,
    }),
  };
}
