import { eventTypeOf } from '../domain/event-types.ts';
import type { RecordedJobEvent } from '../domain/job/events.ts';
import type { RecordedQueueEvent } from '../domain/queue/queue.ts';
import type { EventRow } from './statements/read-streams.ts';

export type RecordedEvent = RecordedJobEvent | RecordedQueueEvent;

/**
 * A row of log or inbox as the event it stands for; undefined for a type that a newer version wrote.
 * This is where old schema versions are upcast; so far each type has one.
 */
export function decodeEvent(row: Omit<EventRow, 'read_at'>): RecordedEvent | undefined {
  const type = eventTypeOf(row.type);
  if (type === undefined) return undefined;
  return {
    type,
    data: row.data ?? {},
    streamId: row.stream_id,
    version: row.version,
    position: row.position,
    epoch: row.epoch,
    schemaVersion: row.schema_version,
    occurredAtMs: row.occurred_at,
    queue: row.queue,
    jobType: row.job_type,
    tags: row.tags ?? [],
    elapsedMs: row.elapsed_ms,
    actor: row.actor,
    causation: row.causation,
    correlation: row.correlation,
  } as RecordedEvent;
}
