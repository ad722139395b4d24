import { eventTypeOf, type RecordedEvent } from '../domain/event-types.ts';
import type { EventRow } from './statements/read-streams.ts';

export type { RecordedEvent } from '../domain/event-types.ts';

/**
 * A row of log or inbox as the event it stands for; undefined for a type that a newer version wrote, and
 * for data that is no object, which no version did. Never throws.
 * This is where old schema versions are upcast; so far each type has one.
 */
export function decodeEvent(row: Omit<EventRow, 'read_at'>): RecordedEvent | undefined {
  const type = eventTypeOf(row.type);
  const data: unknown = row.data ?? {};
  if (type === undefined || typeof data !== 'object' || Array.isArray(data)) return undefined;
  return {
    type,
    data,
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
