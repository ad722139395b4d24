import type { RecordedJobEvent } from '../../domain/job/events.ts';
import { evolveJob } from '../../domain/job/evolve.ts';
import { type JobPhase, type JobState, phaseOf } from '../../domain/job/state.ts';

/** One event of a job, and the job as it was after it. */
export interface JobStep {
  readonly event: RecordedJobEvent;
  readonly state: JobState;
  /** At the time of the event. */
  readonly phase: JobPhase;
}

/** A job's history state by state. Pure. */
export function jobSteps(events: readonly RecordedJobEvent[]): JobStep[] {
  const steps: JobStep[] = [];
  let state: JobState | null = null;
  for (const event of events) {
    state = evolveJob(state, event);
    steps.push({ event, state, phase: phaseOf(state, event.occurredAtMs) });
  }
  return steps;
}
