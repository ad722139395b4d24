import { defineStatement } from '../statement.ts';
import type { EventRow } from './read-streams.ts';

/**
 * Events after a position, in order. Locks: none. Index: events_pkey of the partitions in range.
 */
export const readLog = defineStatement<
  { readonly afterPosition: bigint; readonly limit: number },
  EventRow
>({
  name: 'read-log',
  sql: (schema) => `
    select e.position, e.stream_id, e.version, e.type, e.schema_version, e.epoch, e.occurred_at,
      q.name as queue, job_type.name as job_type, e.tags, e.elapsed_ms, e.data, e.actor, e.causation, e.correlation,
      date_trunc('milliseconds', statement_timestamp()) as read_at
    from (
      select * from ${schema}.events e where e.position > $1 order by e.position limit $2
    ) e
    join ${schema}.queues q on q.id = e.queue_id
    left join ${schema}.job_types job_type on job_type.id = e.job_type_id
    order by e.position`,
  values: ({ afterPosition, limit }) => [afterPosition, limit],
});
