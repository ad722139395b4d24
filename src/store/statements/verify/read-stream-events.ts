import { defineStatement, exactMs } from '../../statement.ts';
import type { EventRow } from '../read-streams.ts';

/** An event of log or inbox as it is stored; names are null where a number stands for none. */
export interface StoredEventRow extends Omit<EventRow, 'queue' | 'read_at'> {
  readonly queue_id: number;
  readonly job_type_id: number | null;
  readonly queue: string | null;
  /** Of the queue. */
  readonly tenant_id: number | null;
}

/** Where a page of events by stream begins: behind this one. */
export interface StreamCursor {
  readonly stream: string;
  readonly version: number;
  readonly position: bigint;
}

/** The columns of a stored event, in a query that calls it `e` and has `namesOf` among its tables. */
export const storedEvent = `e.position, e.stream_id, e.version, e.type, e.schema_version, e.epoch,
      ${exactMs('e.occurred_at')} as occurred_at, e.queue_id, e.job_type_id, e.tags, e.elapsed_ms,
      e.data, e.actor, e.causation, e.correlation, q.name as queue, job_type.name as job_type,
      q.tenant_id`;

/** The names behind the numbers of an event; an unknown number must not hide the event. */
export const namesOf = (schema: string) => `
    left join ${schema}.queues q on q.id = e.queue_id
    left join ${schema}.job_types job_type on job_type.id = e.job_type_id`;

/**
 * Events by stream and version, log and inbox in one snapshot. Of the inbox, what the sequencer would
 * look at: numbers above the highest it moved, and those it misses (see read-streams.ts). Two events
 * with the same version both come.
 * Locks: none. Indexes: events_stream of every partition, merged; event_inbox_pkey.
 */
export const readStreamEvents = defineStatement<
  { readonly after: StreamCursor; readonly upTo: string; readonly limit: number },
  StoredEventRow
>({
  name: 'read-stream-events',
  sql: (schema) => `
    with pending as materialized (
      select null::bigint as position, h.epoch, i.* from ${schema}.log_head h
      cross join lateral (
        select i.* from ${schema}.event_inbox i
        where i.seq > h.highest_seq and i.seq < h.highest_seq + 2147483647
        union all
        select i.* from unnest(h.missing_ranges) as missing (ranges)
        cross join lateral unnest(missing.ranges) as gap (range)
        cross join lateral (
          select * from ${schema}.event_inbox i
          where i.seq >= lower(gap.range) and i.seq < upper(gap.range)
          order by i.seq limit 2147483647
        ) i
      ) i
      where (i.stream_id, i.version) >= ($1, $2) and i.stream_id <= $4
        and (i.stream_id, i.version, 9223372036854775807) > ($1, $2, $3)
    )
    select ${storedEvent}
    from (
      (select e.position, e.stream_id, e.version, e.type, e.schema_version, e.epoch, e.occurred_at,
        e.queue_id, e.job_type_id, e.tags, e.elapsed_ms, e.data, e.actor, e.causation, e.correlation
      from ${schema}.events e
      where (e.stream_id, e.version) >= ($1, $2) and e.stream_id <= $4
        and (e.stream_id, e.version, e.position) > ($1, $2, $3)
      order by e.stream_id, e.version, e.position limit $5)
      union all
      select i.position, i.stream_id, i.version, i.type, i.schema_version, i.epoch, i.occurred_at,
        i.queue_id, i.job_type_id, i.tags, i.elapsed_ms, i.data, i.actor, i.causation, i.correlation
      from pending i
    ) e ${namesOf(schema)}
    order by e.stream_id, e.version, e.position nulls last limit $5`,
  values: ({ after, upTo, limit }) => [after.stream, after.version, after.position, upTo, limit],
});
