import { defineStatement, ms, now, ofAnyLength } from '../statement.ts';

export interface ReadStreamsParams {
  readonly tenantId: number;
  readonly jobIds: readonly string[];
}

/** An event as it comes from the log or the inbox; `position` is null in the inbox. */
export interface EventRow {
  readonly position: bigint | null;
  readonly stream_id: string;
  readonly version: number;
  readonly type: number;
  readonly schema_version: number;
  readonly epoch: number;
  readonly occurred_at: number;
  readonly queue: string;
  readonly job_type: string | null;
  readonly tags: readonly string[] | null;
  readonly elapsed_ms: number | null;
  readonly data: Record<string, unknown> | null;
  readonly actor: string | null;
  readonly causation: string | null;
  readonly correlation: string | null;
  /** The database's time of the reading, in ms. */
  readonly read_at: number;
}

/** More numbers than the inbox ever draws: after a new epoch the sequencer counts from 0 again. */
const endless = 1_000_000_000_000_000n;

/**
 * SQL: whether a row of the inbox is of a wanted stream. Wrapped, so that it stays a hashed subplan: as a
 * join it may be a loop over all of them, and so is `= any ($2)` in a plan that is kept (600 ids
 * and 1,000,000 rows that nobody had sequenced yet took over 10 s).
 */
const isWanted = 'coalesce(i.stream_id in (select job_id from wanted), false)';

/**
 * The whole streams of jobs, log and inbox in one snapshot (two statements gave 1,171 false 404s),
 * in version order. The payload row tells when the job was born by the database's clock: no batch
 * recorded before then can hold the stream, so older partitions are never touched.
 * What is not in the log yet is exactly what the sequencer would look at: numbers above the highest it
 * moved, and those it misses. They are read once for all jobs. An index on the inbox's streams would
 * find them sooner while the sequencer stands still, and cost every write (docs/decisions/0006).
 * Locks: none. Indexes: job_payloads_pkey, log_batches_time, events_stream, event_inbox_pkey.
 */
export const readStreams = defineStatement<ReadStreamsParams, EventRow>({
  name: 'read-streams',
  prepared: true,
  sql: (schema) => streamsOf(schema),
  values: ({ tenantId, jobIds }) => [tenantId, jobIds],
});

/** What is read with each event, besides it. */
export interface BesideEvents {
  /** Of the payload row `p` of its job, each under a name. */
  readonly ofJob: string;
  /** Columns, of `found` (the event) and `w` (of the job: what was read of its payload row). */
  readonly columns: string;
}

/** SQL of streams; $1 is the tenant, $2 the ids of the jobs. */
export function streamsOf(schema: string, beside?: BesideEvents): string {
  return `
    with wanted as materialized (
      select born.*
      from unnest(${ofAnyLength('$2::uuid[]')}) as w (id)
      cross join lateral (
        select p.job_id, coalesce((
          select b.last_position from ${schema}.log_batches b
          where b.recorded_at < p.created_at - interval '1 minute'
          order by b.recorded_at desc, b.last_position desc limit 1), 0) as after_position
          ${beside === undefined ? '' : `, ${beside.ofJob}`}
        from ${schema}.job_payloads p where p.job_id = w.id and p.tenant_id = $1
        limit 1
      ) born
    ),
    pending as materialized (
      select i.*, h.epoch from ${schema}.log_head h
      cross join lateral (
        select * from ${schema}.event_inbox i
        where i.seq > h.highest_seq and i.seq < h.highest_seq + ${endless}
          and ${isWanted}
        union all
        select i.* from unnest(h.missing_ranges) as missing (ranges)
        cross join lateral unnest(missing.ranges) as gap (range)
        cross join lateral (
          select * from ${schema}.event_inbox i
          where i.seq >= lower(gap.range) and i.seq < upper(gap.range)
          order by i.seq limit 2147483647
        ) i
        where ${isWanted}
      ) i
    )
    select found.position, found.stream_id, found.version, found.type, found.schema_version,
      found.epoch, ${ms('found.occurred_at')} as occurred_at, q.name as queue,
      job_type.name as job_type, found.tags, found.elapsed_ms, found.data, found.actor, found.causation, found.correlation, ${ms(now)} as read_at
      ${beside === undefined ? '' : `, ${beside.columns}`}
    from (
      select e.position, e.stream_id, e.version, e.type, e.schema_version, e.epoch, e.occurred_at,
        e.queue_id, e.job_type_id, e.tags, e.elapsed_ms, e.data, e.actor, e.causation, e.correlation
      from wanted w
      cross join lateral (
        select * from ${schema}.events e
        where e.stream_id = w.job_id and e.position > w.after_position
        -- The order of events_stream, and a limit that is never reached: a probe, and no join.
        order by e.version limit 2147483647
      ) e
      union all
      select null, i.stream_id, i.version, i.type, i.schema_version, i.epoch, i.occurred_at,
        i.queue_id, i.job_type_id, i.tags, i.elapsed_ms, i.data, i.actor, i.causation, i.correlation
      from pending i
    ) found
    join ${schema}.queues q on q.id = found.queue_id
    left join ${schema}.job_types job_type on job_type.id = found.job_type_id
    ${beside === undefined ? '' : 'join wanted w on w.job_id = found.stream_id'}
    order by found.stream_id, found.version`;
}
