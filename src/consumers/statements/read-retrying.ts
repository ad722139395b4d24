import { defineStatement } from '../../store/statement.ts';
import type { EventRow } from '../../store/statements/read-streams.ts';

/**
 * Parked events that an operator wants tried again, of the stream that was parked first, in order.
 * Locks: none. Indexes: parked_events_pkey in order of positions, parked_events_streams, events_pkey.
 */
export const readRetrying = defineStatement<
  { readonly consumer: string; readonly build: number; readonly limit: number },
  EventRow
>({
  name: 'read-retrying',
  sql: (schema) => `
    with first as materialized (
      select p.stream_id from ${schema}.parked_events p
      where p.consumer = $1 and p.build = $2 and p.state = 'retrying'
      order by p.position limit 1
    )
    select e.position, e.stream_id, e.version, e.type, e.schema_version, e.epoch, e.occurred_at,
      q.name as queue, job_type.name as job_type, e.tags, e.elapsed_ms, e.data, e.actor,
      e.causation, e.correlation, statement_timestamp() as read_at
    from first
    cross join lateral (
      select p.position from ${schema}.parked_events p
      where p.consumer = $1 and p.build = $2 and p.stream_id = first.stream_id
        and p.state = 'retrying'
      order by p.position limit $3
    ) parked
    cross join lateral (
      select * from ${schema}.events e where e.position = parked.position limit 1
    ) e
    join ${schema}.queues q on q.id = e.queue_id
    left join ${schema}.job_types job_type on job_type.id = e.job_type_id
    order by e.position`,
  values: ({ consumer, build, limit }) => [consumer, build, limit],
});
