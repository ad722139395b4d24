import { defineStatement, ms, now } from '../statement.ts';
import type { EventRow } from './read-streams.ts';

export interface ReadStreamsAtParams {
  readonly tenantId: number;
  readonly jobIds: readonly string[];
  /** The last position to be read. */
  readonly position: bigint;
}

/**
 * The streams of jobs as they were when the log ended at a position, in version order. As in
 * read-streams.ts, older partitions than the job are never touched, nor are newer ones.
 * Locks: none. Indexes: job_payloads_pkey, log_batches_time, events_stream.
 */
export const readStreamsAt = defineStatement<ReadStreamsAtParams, EventRow>({
  name: 'read-streams-at',
  sql: (schema) => `
    select e.position, e.stream_id, e.version, e.type, e.schema_version, e.epoch,
      ${ms('e.occurred_at')} as occurred_at, q.name as queue, job_type.name as job_type, e.tags,
      e.elapsed_ms, e.data, e.actor, e.causation, e.correlation, ${ms(now)} as read_at
    from unnest($2::uuid[]) as w (id)
    cross join lateral (
      select p.job_id, coalesce((
        select b.last_position from ${schema}.log_batches b
        where b.recorded_at < p.created_at - interval '1 minute'
        order by b.recorded_at desc, b.last_position desc limit 1), 0) as after_position
      from ${schema}.job_payloads p where p.job_id = w.id and p.tenant_id = $1
      limit 1
    ) born
    cross join lateral (
      select * from ${schema}.events e
      where e.stream_id = born.job_id and e.position > born.after_position and e.position <= $3
      order by e.version limit 2147483647
    ) e
    join ${schema}.queues q on q.id = e.queue_id
    left join ${schema}.job_types job_type on job_type.id = e.job_type_id
    order by e.stream_id, e.version`,
  values: ({ tenantId, jobIds, position }) => [tenantId, jobIds, position],
});
