import { defineStatement, ms, now } from '../statement.ts';
import type { EventRow } from './read-streams.ts';

export interface ReadQueueStreamsAtParams {
  readonly tenantId: number;
  /** Null for all queues. */
  readonly names: readonly string[] | null;
  /** The last position to be read. */
  readonly position: bigint;
}

/**
 * The streams of queues as they were when the log ended at a position, by name and in version order,
 * with the number of each queue. Locks: none. Indexes: queues_tenant_id_name_key, log_batches_time,
 * events_stream of the partitions between the birth of the queue and the position.
 */
export const readQueueStreamsAt = defineStatement<
  ReadQueueStreamsAtParams,
  EventRow & { readonly queue_id: number }
>({
  name: 'read-queue-streams-at',
  sql: (schema) => `
    select e.position, e.stream_id, e.version, e.type, e.schema_version, e.epoch,
      ${ms('e.occurred_at')} as occurred_at, q.name as queue, null as job_type, e.tags,
      e.elapsed_ms, e.data, e.actor, e.causation, e.correlation, ${ms(now)} as read_at,
      q.id as queue_id
    from ${schema}.queues q
    cross join lateral (
      select coalesce((
        select b.last_position from ${schema}.log_batches b
        where b.recorded_at < q.created_at - interval '1 minute'
        order by b.recorded_at desc, b.last_position desc limit 1), 0) as after_position
    ) born
    cross join lateral (
      select * from ${schema}.events e
      where e.stream_id = q.stream_id and e.position > born.after_position and e.position <= $3
      order by e.version limit 2147483647
    ) e
    where q.tenant_id = $1 and ($2::text[] is null or q.name = any ($2))
    order by q.name, e.version`,
  values: ({ tenantId, names, position }) => [tenantId, names, position],
});
