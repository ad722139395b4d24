import type { z } from 'zod';
import type { JobSnapshot } from '../../commands/read/read-job.ts';
import type { RecordedJobEvent } from '../../domain/job/events.ts';
import { type JobPhase, type JobState, phaseOf } from '../../domain/job/state.ts';
import { asOfView, shownMs, shownMsOrNull } from '../schemas/fields.ts';
import type { attemptSchema, jobDetailSchema, jobSchema } from '../schemas/job.ts';

type JobView = z.output<typeof jobSchema>;
type AttemptView = z.output<typeof attemptSchema>;

/** A job as answers show it, without bodies. The lease token stays here: it is a secret. */
export function jobView(state: JobState, phase: JobPhase): JobView {
  return {
    id: state.id,
    queue: state.queue,
    type: state.type,
    state: phase,
    version: state.version,
    priority: state.priority,
    runAt: shownMs(state.runAtMs),
    submittedAt: shownMs(state.submittedAtMs),
    startedAt: shownMsOrNull(state.startedAtMs),
    endedAt: shownMsOrNull(state.endedAtMs),
    failures: state.failures,
    maxAttempts: state.maxAttempts,
    backoff: state.retryPolicy,
    timeoutMs: state.timeoutMs,
    tags: [...state.tags],
    uniqueKey: state.uniqueKey,
    correlationId: state.correlation,
    replayOf: state.replayOf,
    payloadBytes: state.payloadBytes,
    payloadErased: state.payloadErased,
    suspect: state.suspect,
    session: state.lease?.session ?? null,
    cancelRequested: state.cancelRequested !== null,
    cancelReason: state.cancelRequested?.reason ?? state.cancelReason,
    deadReason: state.deadReason,
    error: state.lastError,
  };
}

/** A job just submitted: the same whenever it is asked, because its own time is taken as now. */
export function newbornView(state: JobState): JobView {
  return jobView(state, phaseOf(state, state.submittedAtMs));
}

export function jobDetailView(snapshot: JobSnapshot): z.output<typeof jobDetailSchema> {
  const { state, phase, token, payload, result, progress, events, asOf } = snapshot;
  return {
    ...jobView(state, phase),
    token,
    payload,
    result,
    progress,
    attempts: attemptViews(events),
    ...(asOf === null ? {} : { asOf: asOfView(asOf) }),
  };
}

const outcomes = {
  JobCompleted: 'completed',
  JobFailed: 'failed',
  JobSnoozed: 'snoozed',
  JobInterrupted: 'interrupted',
} as const;

/** Each claim of a job, and how it ended. */
export function attemptViews(events: readonly RecordedJobEvent[]): AttemptView[] {
  const attempts: AttemptView[] = [];
  for (const event of events) {
    const running = attempts.at(-1);
    switch (event.type) {
      case 'JobClaimed':
        attempts.push({
          attempt: event.data.attempt,
          session: event.data.session,
          startedAt: shownMs(event.occurredAtMs),
          endedAt: null,
          outcome: 'running',
          error: null,
        });
        break;
      case 'JobCompleted':
      case 'JobFailed':
      case 'JobSnoozed':
      case 'JobInterrupted':
        if (running === undefined) break;
        running.endedAt = shownMs(event.occurredAtMs);
        running.outcome = outcomes[event.type];
        if (event.type === 'JobFailed') running.error = event.data.error;
        break;
      default:
    }
  }
  return attempts;
}
