import { eventTypeCodes as types } from '../../domain/event-types.ts';
import type { JobStatus } from '../../domain/job/state.ts';
import type { Database } from '../../store/database.ts';
import { defineStatement, type Statement } from '../../store/statement.ts';
import { statusCodes } from '../job-status/status-codes.ts';
import { jobStatusName } from '../job-status/table.ts';
import { landmarkBefore, landmarkBits } from '../landmarks.ts';
import { runPlanned } from '../run-planned.ts';
import { jobSpansName, sizeClass, statusAfter } from './table.ts';

/** Which jobs to find, as of a position. Times are ms since the epoch. */
export interface JobsAtFilter {
  readonly tenantId: number;
  readonly position: bigint;
  readonly statuses: readonly JobStatus[];
  readonly queueId?: number | undefined;
  readonly typeId?: number | undefined;
  readonly submittedAfterMs?: number | undefined;
  readonly submittedBeforeMs?: number | undefined;
  /** Ids from this one on. */
  readonly from: string;
  /** And below this one. */
  readonly below: string;
  readonly limit: number;
}

/** $1 is the position, $2 the last landmark before it: where jobs went in between. */
const touched = (schema: string) => `
    touched as materialized (
      select distinct on (job_id) job_id, queue_id, status, position as since_position
      from (
        select e.stream_id as job_id, e.position, e.queue_id, ${statusAfter} as status
        from ${schema}.events e
        where e.position > $2::bigint and e.position <= $1::bigint and e.type < ${types.QueueCreated}
      ) e
      where status is not null
      order by job_id, position desc
    )`;

/** The spans `s` of queue and status `w` and class `k` that hold the landmark, in their index. */
const stabbed = (schema: string) => `${schema}.${jobSpansName} s
        where s.queue_id = w.queue_id and s.status = w.status and s.size_class = k.size_class
          and s.from_position > $2 - (((2::bigint << k.size_class) - 1) << ${landmarkBits})
          and s.from_position <= $2 and s.to_position > $2`;

/** The size classes `k` that there can be: no span is longer than the log. */
const classes = (schema: string) => `generate_series(0, (
        select ${sizeClass(`(h.position >> ${landmarkBits})`)} from ${schema}.log_head h
      )) as k (size_class)`;

/** What never changes of a job, and no index has: as one condition that the planner cannot estimate. */
const fixed = (job: string) => `coalesce(
            ($9::int is null or ${job}.type_id = $9)
            and ($10::float8 is null or ${job}.submitted_at >= to_timestamp($10 / 1000))
            and ($11::float8 is null or ${job}.submitted_at < to_timestamp($11 / 1000)), false)`;
const probed = (schema: string, id: string) => `(
            coalesce($9::int::float8, $10::float8, $11::float8) is null
            or (select ${fixed('j')} from ${schema}.${jobStatusName} j where j.job_id = ${id} limit 1))`;

/**
 * Jobs that stood in some statuses of some queues at a position: those that did so at the landmark
 * before it and have not moved since (their span holds the landmark, or is their present one), and
 * those that moved there since. One probe per queue and status for the present spans, and one per size
 * class for the ended ones; of these all that match are read and sorted.
 * Locks: none. Indexes: events_pkey between landmark and position, job_status_<build>_listed,
 * job_spans_<build>_stabbed, job_status_<build>_pkey for what a filter asks.
 */
const findJobsAt = defineStatement<JobsAtFilter, { job_id: string }>({
  name: 'find-jobs-at',
  sql: (schema) => `
    with ${touched(schema)},
    wanted as materialized (
      select q.id as queue_id, s.status from ${schema}.queues q
      cross join unnest($4::smallint[]) as s (status)
      where q.tenant_id = $3 and ($5::int is null or q.id = $5)
    ),
    found as (
      select open.job_id from wanted w
      cross join lateral (
        select j.job_id from ${schema}.${jobStatusName} j
        where (j.queue_id, j.status, j.job_id) >= (w.queue_id, w.status, $6)
          and (j.queue_id, j.status, j.job_id) < (w.queue_id, w.status, $7)
          and coalesce(j.since_position <= $2, false) and ${fixed('j')}
          and j.job_id not in (select job_id from touched)
        order by j.queue_id desc, j.status desc, j.job_id desc limit $8
      ) open
      union all
      select ended.job_id from wanted w
      cross join ${classes(schema)}
      cross join lateral (
        select s.job_id from ${stabbed(schema)}
          and s.job_id >= $6 and s.job_id < $7
          and s.job_id not in (select job_id from touched) and ${probed(schema, 's.job_id')}
        order by s.queue_id, s.status, s.size_class, s.from_position limit 2147483647
      ) ended
      union all
      select t.job_id from touched t
      join wanted w on w.queue_id = t.queue_id and w.status = t.status
      where t.job_id >= $6 and t.job_id < $7 and ${probed(schema, 't.job_id')}
    )
    select job_id from found order by job_id desc limit $8`,
  values: (filter) => [
    filter.position,
    landmarkBefore(filter.position),
    filter.tenantId,
    filter.statuses.map((status) => statusCodes[status]),
    filter.queueId ?? null,
    filter.from,
    filter.below,
    filter.limit,
    filter.typeId ?? null,
    filter.submittedAfterMs ?? null,
    filter.submittedBeforeMs ?? null,
  ],
});

/** The ids of jobs as of a position, newest first. The read model must have read up to there. */
export async function jobsAt(database: Database, filter: JobsAtFilter): Promise<string[]> {
  const rows = await runPlanned(database, findJobsAt, filter);
  return rows.map((row) => row.job_id);
}

export interface LongestParams {
  readonly position: bigint;
  readonly queueIds: readonly number[];
  /** Jobs of each queue. */
  readonly limit: number;
}

export interface LongestRow {
  readonly queue_id: number;
  readonly job_id: string;
  /** The position of the event that brought it there. */
  readonly since_position: bigint;
}

/**
 * Of each queue the jobs that had stood longest in a status at a position, longest first. Found like
 * those of find-jobs-at, but in the order of their beginnings: no more than the limit is read per
 * size class. Of running jobs the present ones are all read: there are no more than workers run.
 * Locks: none. Indexes: events_pkey, job_spans_<build>_stabbed; job_status_<build>_waiting, and for
 * running jobs job_status_<build>_listed.
 */
function findLongest(status: 'waiting' | 'running'): Statement<LongestParams, LongestRow> {
  const range = {
    waiting: `(j.queue_id, j.since_position) > (w.queue_id, 0)
          and (j.queue_id, j.since_position) <= (w.queue_id, $2)`,
    running: 'j.queue_id = w.queue_id and j.since_position <= $2',
  }[status];
  return defineStatement({
    name: `find-longest-${status}-at`,
    sql: (schema) => `
    with ${touched(schema)},
    wanted as materialized (
      select id as queue_id, ${statusCodes[status]}::smallint as status from unnest($3::int[]) as q (id)
    ),
    found as (
      select open.* from wanted w
      cross join lateral (
        select j.queue_id, j.job_id, j.since_position from ${schema}.${jobStatusName} j
        where ${range} and j.status = ${statusCodes[status]}
          and j.job_id not in (select job_id from touched)
        order by j.queue_id, j.since_position limit $4
      ) open
      union all
      select ended.* from wanted w
      cross join ${classes(schema)}
      cross join lateral (
        select s.queue_id, s.job_id, s.from_position from ${stabbed(schema)}
          and s.job_id not in (select job_id from touched)
        order by s.queue_id, s.status, s.size_class, s.from_position limit $4
      ) ended
      union all
      select t.queue_id, t.job_id, t.since_position from touched t
      join wanted w on w.queue_id = t.queue_id and w.status = t.status
    )
    select queue_id, job_id, since_position from (
      select f.*, row_number() over (partition by queue_id order by since_position) as place
      from found f
    ) ranked
    where place <= $4
    order by queue_id, place`,
    values: ({ position, queueIds, limit }) => [
      position,
      landmarkBefore(position),
      queueIds,
      limit,
    ],
  });
}

const longest = { waiting: findLongest('waiting'), running: findLongest('running') };

/** @param status which jobs; the read model must have read up to the position */
export function longestAt(
  database: Database,
  status: keyof typeof longest,
  params: LongestParams,
): Promise<LongestRow[]> {
  return runPlanned(database, longest[status], params);
}

/** A span as it is stored. */
export interface SpanRow {
  readonly job_id: string;
  readonly from_position: bigint;
  readonly to_position: bigint;
  readonly queue_id: number;
  readonly status: number;
  readonly size_class: number;
}

const spanColumns = 's.job_id, s.from_position, s.to_position, s.queue_id, s.status, s.size_class';
const spanKey = 's.queue_id, s.status, s.size_class, s.from_position';

/**
 * The stored spans that have the keys of some others: no two begin at one position. `place` is the place
 * of the other in the list, from 1.
 * Locks: none. Index: job_spans_<build>_stabbed, one probe per span.
 */
export const findJobSpans = defineStatement<
  readonly SpanRow[],
  SpanRow & { readonly place: bigint }
>({
  name: 'find-job-spans',
  sql: (schema) => `
    select ${spanColumns}, w.place
    from unnest($1::int[], $2::smallint[], $3::smallint[], $4::bigint[])
      with ordinality as w (queue_id, status, size_class, from_position, place)
    cross join lateral (
      select * from ${schema}.${jobSpansName} s
      where (${spanKey}) = (w.queue_id, w.status, w.size_class, w.from_position)
      order by ${spanKey} limit 1
    ) s`,
  values: (spans) => [
    spans.map((span) => span.queue_id),
    spans.map((span) => span.status),
    spans.map((span) => span.size_class),
    spans.map((span) => span.from_position),
  ],
});

/** Spans that had ended at a position, in the order of their index. Locks: none. Index: job_spans_<build>_stabbed. */
export const pageOfJobSpans = defineStatement<
  { readonly after: SpanRow | null; readonly upTo: bigint; readonly limit: number },
  SpanRow
>({
  name: 'page-of-job-spans',
  sql: (schema) => `
    select ${spanColumns} from ${schema}.${jobSpansName} s
    where (${spanKey}) > ($1::int, $2::smallint, $3::smallint, $4::bigint) and s.to_position <= $5
    order by ${spanKey} limit $6`,
  values: ({ after, upTo, limit }) => [
    after?.queue_id ?? -(2 ** 31),
    after?.status ?? 0,
    after?.size_class ?? 0,
    after?.from_position ?? 0n,
    upTo,
    limit,
  ],
});
