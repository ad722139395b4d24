import type { RecordedJobEvent } from '../../domain/job/events.ts';
import { evolveJob } from '../../domain/job/evolve.ts';
import type { JobState } from '../../domain/job/state.ts';
import { whyIllegalForQueue } from '../../domain/queue/legality.ts';
import { evolveQueue, type QueueState, type RecordedQueueEvent } from '../../domain/queue/queue.ts';
import { type Breach, breachOf } from './job-legality.ts';
import { createKnownJobs } from './known-jobs.ts';
import type { Violations } from './violation.ts';

/** A job before and after an event. */
export interface JobChange {
  readonly before: JobState | null;
  readonly after: JobState;
}

/** The streams of a log, folded and judged as their events come by position. */
export interface JudgedStreams {
  /** Folds the next event of a job; null where its stream cannot be folded, or need not be. */
  takeJobEvent(event: RecordedJobEvent): JobChange | null;
  takeQueueEvent(event: RecordedQueueEvent): void;
  /** Judges and folds this stream no more. */
  leave(streamId: string): void;
  /** Jobs that have not ended. */
  live(): Iterable<JobState>;
}

/** Jobs that are still known after their end, so that what comes too late is named for what it is. */
const ENDED_KEPT = 10_000;

/**
 * A stream that has broken a rule is followed, and not judged again: what comes then is mostly an echo.
 */
export function createJudgedStreams(violations: Violations): JudgedStreams {
  const jobs = createKnownJobs(ENDED_KEPT);
  const queues = new Map<string, QueueState>();
  /** Streams that have broken a rule. */
  const doubted = new Set<string>();
  /** Streams that cannot be folded any more. */
  const lost = new Set<string>();

  const judge = (event: RecordedJobEvent | RecordedQueueEvent, breach: Breach | null) => {
    if (breach === null || doubted.has(event.streamId)) return;
    doubted.add(event.streamId);
    violations.add(breach.rule, event, breach.detail);
  };
  return {
    live: () => jobs.live(),
    leave: (streamId) => void lost.add(streamId),
    takeJobEvent(event) {
      const { streamId } = event;
      const known = jobs.get(streamId);
      if (lost.has(streamId)) return null;
      if (known === undefined && isLongAfterTheEnd(event)) return null;
      const before = known?.state ?? null;
      judge(event, breachOf(before, known?.last ?? null, event));
      const after = folded(() => evolveJob(before, event));
      if (after === null) {
        lost.add(streamId);
        return null;
      }
      jobs.set(streamId, { state: after, last: event });
      return { before, after };
    },
    takeQueueEvent(event) {
      const { streamId } = event;
      if (lost.has(streamId)) return;
      const before = queues.get(streamId) ?? null;
      const after = folded(() => evolveQueue(before, event));
      const why = whyIllegalForQueue(before, event);
      const detail = why ?? (after === null ? 'a version is missing, or stands twice' : null);
      judge(event, detail === null ? null : { rule: 'stream-illegal', detail });
      if (after === null) lost.add(streamId);
      else queues.set(streamId, after);
    },
  };
}

/** An erasure may come at any time after the end; whatever else a forgotten stream says is judged. */
function isLongAfterTheEnd(event: RecordedJobEvent): boolean {
  return event.type === 'PayloadErased' && event.version > 1;
}

/** Null for a stream that does not begin, begins twice, has a gap, or says what cannot be read. */
function folded<State>(fold: () => State): State | null {
  try {
    return fold();
  } catch {
    // Whoever calls judges the event, and leaves the stream.
    return null;
  }
}
