import { elapsedMs } from '../../domain/job/elapsed.ts';
import type { RecordedJobEvent } from '../../domain/job/events.ts';
import { evolveJob } from '../../domain/job/evolve.ts';
import { whyIllegal, whyUnfinished } from '../../domain/job/legality.ts';
import type { JobState } from '../../domain/job/state.ts';
import { whyIllegalForQueue } from '../../domain/queue/legality.ts';
import { evolveQueue, type QueueState, type RecordedQueueEvent } from '../../domain/queue/queue.ts';
import type { RowIds } from '../../projections/row-fold.ts';
import type { RecordedEvent } from '../../store/event-codec.ts';
import { isSame } from '../compare-rows.ts';
import type { Findings } from '../report.ts';

/**
 * How far an event may lie before the one before it in its stream. Time is that of a statement's
 * beginning: of two that wait for the same row, the one that began first may come second.
 */
const CROSSING_MS = 60_000;

/** A stream as far as it was read. */
export interface JudgedStream {
  readonly id: string;
  readonly ids: RowIds;
  job: JobState | null;
  queue: QueueState | null;
  last: RecordedEvent | null;
  /** It could be folded to its end, so that rows can be compared with it. */
  sound: boolean;
  /** Nothing illegal was found so far: what follows something illegal is mostly its echo. */
  legal: boolean;
}

export function beginStream(id: string, ids: RowIds): JudgedStream {
  return { id, ids, job: null, queue: null, last: null, sound: true, legal: true };
}

/** Judges the next event of a stream and folds it; false where the stream is not sound any more. */
export function judgeEvent(
  findings: Findings,
  stream: JudgedStream,
  event: RecordedEvent,
): boolean {
  if (!stream.sound) return false;
  const { last } = stream;
  const { version, position } = event;
  const at = { table: 'events', key: stream.id, version, position };
  const expected = (last?.version ?? 0) + 1;
  if (version !== expected) {
    findings.add({ ...at, kind: 'version-wrong', column: 'version', expected, found: version });
    stream.sound = false;
    return false;
  }
  if (last !== null) judgeOrder(findings, last, event);
  const why = stream.legal ? whyNot(stream, event) : null;
  if (why !== null) {
    findings.add({ ...at, kind: 'event-illegal', expected: why, found: event.type });
    stream.legal = false;
  }
  fold(findings, stream, event);
  stream.last = event;
  return stream.sound;
}

/** Judges the end of a stream. */
export function judgeEnd(findings: Findings, { id, job, last, sound, legal }: JudgedStream): void {
  if (!sound || !legal || job === null || last === null || isQueueEvent(last)) return;
  const why = whyUnfinished(job, last);
  if (why === null) return;
  const { version, position } = last;
  const at = { table: 'events', key: id, version, position };
  findings.add({ ...at, kind: 'event-illegal', expected: why, found: 'the end of the stream' });
}

/** True for events of queues. */
export function isQueueEvent(event: RecordedEvent): event is RecordedQueueEvent {
  return event.type.startsWith('Queue');
}

function judgeOrder(findings: Findings, last: RecordedEvent, event: RecordedEvent): void {
  const { streamId: key, version, position, epoch, occurredAtMs } = event;
  const at = { table: 'events', key, version, position };
  const inOrder = position === null || (last.position !== null && position > last.position);
  if (!inOrder) {
    const after = last.position ?? 'a position';
    findings.add({
      ...at,
      kind: 'order-wrong',
      column: 'position',
      expected: `above ${after}`,
      found: position,
    });
  }
  if (position !== null && epoch < last.epoch) {
    const expected = `${last.epoch} or later`;
    findings.add({ ...at, kind: 'epoch-wrong', column: 'epoch', expected, found: epoch });
  }
  if (occurredAtMs < last.occurredAtMs - CROSSING_MS) {
    const expected = last.occurredAtMs;
    const found = occurredAtMs;
    findings.add({ ...at, kind: 'time-backwards', column: 'occurred_at', expected, found });
  }
}

function whyNot(stream: JudgedStream, event: RecordedEvent): string | null {
  const { job, queue, last } = stream;
  try {
    if (isQueueEvent(event)) {
      return job === null ? whyIllegalForQueue(queue, event) : 'the stream is that of a job';
    }
    if (queue !== null) return 'the stream is that of a queue';
    return whyIllegal(job, last as RecordedJobEvent | null, event);
  } catch {
    // Data of another shape than its type has.
    return 'what it says cannot be read';
  }
}

function fold(findings: Findings, stream: JudgedStream, event: RecordedEvent): void {
  const before = stream.job;
  try {
    if (isQueueEvent(event)) stream.queue = evolveQueue(stream.queue, event);
    else stream.job = evolveJob(before, event);
  } catch {
    // Told as illegal already: a stream that does not begin, begins twice, or is of two kinds.
    stream.sound = false;
  }
  if (!stream.sound) return;
  for (const { column, expected, found } of marks(stream, before, event)) {
    if (isSame(expected, found)) continue;
    const { version, position } = event;
    const at = { table: 'events', key: stream.id, version, position };
    findings.add({ ...at, kind: 'mark-wrong', column, expected, found });
  }
}

interface Mark {
  readonly column: string;
  readonly expected: unknown;
  readonly found: unknown;
}

/** What stands beside an event so that readers need not fold, and what the stream gives for it. */
function marks(
  { job, queue }: JudgedStream,
  before: JobState | null,
  event: RecordedEvent,
): Mark[] {
  const queueName = {
    column: 'queue_id',
    expected: job === null ? queue?.name : job.queue,
    found: event.queue,
  };
  if (isQueueEvent(event) || job === null) return [queueName];
  return [
    queueName,
    { column: 'job_type_id', expected: job.type, found: event.jobType },
    { column: 'tags', expected: job.tags, found: event.tags },
    {
      column: 'elapsed_ms',
      expected: elapsedMs(before, event.type, event.occurredAtMs),
      found: event.elapsedMs,
    },
  ];
}
