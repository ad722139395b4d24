import { defineStatement } from '../statement.ts';
import type { EventRow } from './read-streams.ts';

/** The events at some positions, those that are there. Locks: none. Index: events_pkey, a probe each. */
export const readPositions = defineStatement<{ readonly positions: readonly bigint[] }, EventRow>({
  name: 'read-positions',
  sql: (schema) => `
    select e.position, e.stream_id, e.version, e.type, e.schema_version, e.epoch, e.occurred_at,
      q.name as queue, job_type.name as job_type, e.tags, e.elapsed_ms, e.data, e.actor,
      e.causation, e.correlation, statement_timestamp() as read_at
    from unnest($1::bigint[]) as w (position)
    cross join lateral (
      select * from ${schema}.events e where e.position = w.position limit 1
    ) e
    join ${schema}.queues q on q.id = e.queue_id
    left join ${schema}.job_types job_type on job_type.id = e.job_type_id
    order by e.position`,
  values: ({ positions }) => [positions],
});
