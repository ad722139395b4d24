import { defineStatement } from '../statement.ts';
import type { EventRow } from './read-streams.ts';

export interface ReadRangeParams {
  readonly after: bigint;
  readonly upTo: bigint;
  /** Codes of the types wanted; null for all. */
  readonly types: readonly number[] | null;
}

/**
 * The events of a stretch of the log, in order. Locks: none. Index: events_pkey of the partitions in
 * range, between two ends.
 */
export const readRange = defineStatement<ReadRangeParams, EventRow>({
  name: 'read-range',
  sql: (schema) => `
    select e.position, e.stream_id, e.version, e.type, e.schema_version, e.epoch, e.occurred_at,
      q.name as queue, job_type.name as job_type, e.tags, e.elapsed_ms, e.data, e.actor,
      e.causation, e.correlation, statement_timestamp() as read_at
    from ${schema}.events e
    join ${schema}.queues q on q.id = e.queue_id
    left join ${schema}.job_types job_type on job_type.id = e.job_type_id
    where e.position > $1 and e.position <= $2
      and ($3::smallint[] is null or e.type = any ($3))
    order by e.position`,
  values: ({ after, upTo, types }) => [after, upTo, types],
});
