import { defineStatement, now } from '../statement.ts';

export interface SequenceInboxParams {
  /** The head's tick as last seen. Another one in the database: nothing is moved. */
  readonly tick: bigint;
  /** How many inbox numbers to look at, from the first new one; late ones come on top. */
  readonly limit: number;
  /** Where readers listen. */
  readonly channel: string;
}

export interface SequencedRow {
  /** The head's tick as this statement's snapshot saw it. */
  readonly tick: bigint;
  readonly position: bigint;
  readonly moved: number;
  readonly advanced: boolean;
  readonly span: bigint;
}

/** Groups of missing numbers that are kept apart. */
const GROUPS = 64;

/** SQL: what the batch takes, in no order. */
const taken = (columns: string) =>
  `select ${columns} from fresh union all select ${columns} from late`;

/** SQL: what events have of their rows in the inbox. */
const columns = (
  epoch: string,
) => `occurred_at, stream_id, version, queue_id, job_type_id, ${epoch},
        type, schema_version, elapsed_ms, data, actor, causation, correlation, tags`;

/**
 * Moves what is visible in the inbox to the log and gives it positions, a batch at a time.
 *
 * In one snapshot it takes every visible row above the highest number moved, and every visible row
 * among the numbers still missing below it, in number order. A stream's version n + 1 is inserted
 * only after version n has committed, so a snapshot that shows n + 1 shows n as well, and both lists
 * together keep every stream in order. (A plain low-water mark inverted 433 of 27,114 streams.)
 *
 * A missing number belongs to a transaction that drew it and was not visible yet. That transaction
 * had its id before it drew the number, so its id is below this statement's own: the number is kept
 * with this id, and forgotten once pg_snapshot_xmin has reached it, when every lower id has ended.
 * (With pg_snapshot_xmax, one past the last *completed* id, 3 of 206,000 events were lost.)
 *
 * The base is the one head row, locked and compared by tick: of two sequencers at once, the second
 * finds another tick and moves nothing.
 * Rows are deleted as they are read. Where the numbers have no hole, which is nearly always, positions
 * follow from them, and nothing is sorted or counted through (a seventh of the time).
 * Locks: the head row FOR UPDATE. Indexes: event_inbox_pkey by range probes (an OR of both lists was 25
 * times slower); late rows are deleted by ctid. Nothing here depends on statistics: every range
 * has two ends, which without statistics is taken for a two-hundredth of any table; one with a single
 * end is taken for a third, and then scanned.
 */
export const sequenceInbox = defineStatement<SequenceInboxParams, SequencedRow>({
  name: 'sequence-inbox',
  prepared: true,
  sql: (schema) => `
    with head as materialized (
      select h.*, next.seq as next_seq
      from ${schema}.log_head h
      left join lateral (
        select i.seq from ${schema}.event_inbox i where i.seq > h.highest_seq
        order by i.seq limit 1
      ) next on true
      where h.tick = $1 and (h.missing_ranges <> '{}' or next.seq is not null)
      for update of h
    ),
    fresh as (
      delete from ${schema}.event_inbox i
      where i.seq >= (select next_seq from head) and i.seq < (select next_seq from head) + $2
      returning i.*
    ),
    late as (
      delete from ${schema}.event_inbox i where i.ctid = any (array(
        select late.row_at from head
        cross join lateral unnest(head.missing_ranges) as missing (ranges)
        cross join lateral unnest(missing.ranges) as gap (range)
        cross join lateral (
          select i.ctid as row_at from ${schema}.event_inbox i
          where i.seq >= lower(gap.range) and i.seq < upper(gap.range)
          -- A limit that is never reached keeps this a probe for each gap, and no join.
          order by i.seq limit 2147483647
        ) late
      ))
      returning i.*
    ),
    batch as materialized (
      select size, first_seq, last_seq, size = last_seq - first_seq + 1 as whole,
        -- Mostly there is no hole, and then this need not be told number by number (2 us each).
        case when size = 0 then '{}'
             when size = last_seq - first_seq + 1
               then int8multirange(int8range(first_seq, last_seq, '[]'))
             else (select range_agg(int8range(seq, seq + 1)) from (${taken('seq')}) t) end as numbers
      from (
        select count(*)::int as size, min(seq) as first_seq, max(seq) as last_seq
        from (${taken('seq')}) t
      ) t
    ),
    missing as materialized (
      select coalesce(array_agg(ranges order by fence), '{}') as ranges,
        coalesce(array_agg(fence order by fence), '{}') as fences
      from (
        -- While a foreign transaction holds the horizon back, every batch may add a group: the oldest
        -- are kept as one, under the highest of their ids, which only remembers some for longer.
        select range_agg(ranges) as ranges, max(fence) as fence from (
          select ranges, fence, row_number() over (order by fence desc) as age from (
        select old.ranges - batch.numbers as ranges, old.fence
        from head, batch, unnest(head.missing_ranges, head.missing_fences) as old (ranges, fence)
        where old.fence > pg_snapshot_xmin(pg_current_snapshot())
        union all
        select int8multirange(int8range(head.highest_seq, batch.last_seq, '(]')) - batch.numbers,
          pg_current_xact_id()
        from head, batch where batch.last_seq > head.highest_seq
          ) known
          where not isempty(ranges)
        ) aged
        group by least(age, ${GROUPS})
      ) grouped
    ),
    moved as (
      insert into ${schema}.events (position, ${columns('epoch')})
      select (select h.position - b.first_seq + 1 from head h, batch b) + t.seq,
        ${columns('(select epoch from head)')}
      from (${taken('*')}) t where (select whole from batch)
      union all
      select (select position from head) + row_number() over (order by t.seq),
        ${columns('(select epoch from head)')}
      from (${taken('*')}) t where not (select whole from batch)
    ),
    advanced as (
      update ${schema}.log_head h
      set tick = h.tick + 1, position = h.position + batch.size,
          highest_seq = greatest(h.highest_seq, batch.last_seq),
          missing_ranges = missing.ranges, missing_fences = missing.fences,
          recorded_at = greatest(h.recorded_at, ${now})
      from head, batch, missing
      where h.tick = $1
        and (batch.size > 0 or missing.fences <> head.missing_fences
             or missing.ranges <> head.missing_ranges)
      returning h.position, h.recorded_at, batch.size
    ),
    noted as (
      insert into ${schema}.log_batches (last_position, recorded_at)
      select position, recorded_at from advanced where size > 0
    )
    select h.tick, coalesce(a.position, h.position) as position, coalesce(a.size, 0) as moved,
      a.position is not null as advanced, h.partition_span as span,
      case when a.size > 0 then pg_notify($3, 'log')::text end as told
    from ${schema}.log_head h left join advanced a on true`,
  values: ({ tick, limit, channel }) => [tick, limit, channel],
});
