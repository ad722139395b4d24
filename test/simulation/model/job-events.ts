import type { JobEvent, RecordedJobEvent } from '../../../src/domain/job/events.ts';
import type { JobState } from '../../../src/domain/job/state.ts';
import type { QueueEvent, RecordedQueueEvent } from '../../../src/domain/queue/queue.ts';

const besides = {
  position: null,
  epoch: 1,
  schemaVersion: 1,
  jobType: null,
  tags: [],
  elapsedMs: null,
  actor: null,
  causation: null,
  correlation: null,
};

/** An event as a statement writes it into the inbox. */
export function jobEvent(
  id: string,
  version: number,
  queue: string,
  occurredAtMs: number,
  event: JobEvent,
): RecordedJobEvent {
  return { ...besides, ...event, streamId: id, version, queue, occurredAtMs };
}

export function queueEvent(
  streamId: string,
  version: number,
  queue: string,
  occurredAtMs: number,
  event: QueueEvent,
): RecordedQueueEvent {
  return { ...besides, ...event, streamId, version, queue, occurredAtMs };
}

/** The event that comes next in a job’s stream. */
export function nextJobEvent(state: JobState, atMs: number, event: JobEvent): RecordedJobEvent {
  const queue = event.type === 'JobMoved' ? event.data.to : state.queue;
  return jobEvent(state.id, state.version + 1, queue, atMs, event);
}
