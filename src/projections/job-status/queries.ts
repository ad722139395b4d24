import { type JobPhase, type JobStatus, phaseOf } from '../../domain/job/state.ts';
import { invariant } from '../../kernel/invariant.ts';
import { defineStatement, exactMs, type Executor, now } from '../../store/statement.ts';
import { idBounds, type JobFilter, pageLimit, wantedStates } from './job-filter.ts';
import type { JobRange } from '../row-fold.ts';
import { statusCodes } from './status-codes.ts';
import { jobStatusName } from './table.ts';

/** A job as lists show it. Times are ms since the epoch. */
export interface ListedJob {
  readonly id: string;
  readonly version: number;
  readonly queue: string;
  readonly type: string;
  readonly status: JobStatus;
  /** At the moment of the reading, by the database's clock. */
  readonly phase: JobPhase;
  readonly priority: number;
  readonly failures: number;
  readonly maxAttempts: number;
  readonly runAtMs: number;
  readonly submittedAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** The newest failure; stays when a later attempt succeeds. */
  readonly error: { readonly name: string; readonly message: string } | null;
  /** The fingerprint of that error: 32 hex digits. */
  readonly failure: string | null;
  readonly uniqueKey: string | null;
  readonly correlationId: string | null;
  readonly tags: readonly string[];
}

export interface JobPage {
  /** Newest first, by id. */
  readonly jobs: readonly ListedJob[];
  /** For the page after this one; null on the last. */
  readonly nextCursor: string | null;
}

interface ListedRow {
  readonly job_id: string;
  readonly version: number;
  readonly queue: string;
  readonly type: string;
  readonly status: number;
  readonly retrying: boolean;
  readonly priority: number;
  readonly failures: number;
  readonly max_attempts: number;
  readonly run_at: number;
  readonly submitted_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly error_name: string | null;
  readonly error_message: string | null;
  readonly error_fingerprint: string | null;
  readonly unique_key: string | null;
  readonly correlation: string | null;
  readonly tags: string[] | null;
  readonly read_at: number;
}

/**
 * What no index has, as one condition that the planner cannot estimate: believing that hardly a row
 * of a time would be left, it read all of them and sorted, where the index gives them in order.
 */
const filters = `coalesce(j.tenant_id = $1
          and ($4::int is null or j.type_id = $4)
          and ($5::text is null or j.tags @> array[$5])
          and ($6::float8 is null or j.submitted_at >= to_timestamp($6 / 1000))
          and ($7::float8 is null or j.submitted_at < to_timestamp($7 / 1000))
          and ($8::text is null or j.error_name = $8 or strpos(j.error_message, $8) > 0), false)`;

/** Of those that wait, the phases that are wanted. */
const inPhase = `(j.status <> ${statusCodes.waiting} or case
            when j.run_at <= ${now} then $12::boolean when j.retrying then $13 else $14 end)`;

function filterValues(filter: JobFilter): unknown[] {
  const { from, below } = idBounds(filter);
  return [
    filter.tenantId,
    from,
    below,
    filter.typeId ?? null,
    filter.tag ?? null,
    filter.submittedAfterMs ?? null,
    filter.submittedBeforeMs ?? null,
    filter.error ?? null,
    // One more than the page has tells whether there is another.
    pageLimit(filter) + 1,
  ];
}

function stateValues(filter: JobFilter): unknown[] {
  const { statuses, ready, retrying, scheduled } = wantedStates(filter);
  const codes = statuses.map((status) => statusCodes[status]);
  return [...filterValues(filter), codes, filter.queueId ?? null, ready, retrying, scheduled];
}

/** The page that `found` selects, with names for numbers. */
function page(schema: string, found: string): string {
  return `
    select p.job_id, p.version, q.name as queue, type.name as type, p.status, p.retrying,
      p.priority, p.failures, p.max_attempts, p.run_at, p.submitted_at, p.started_at, p.ended_at,
      p.error_name, p.error_message, p.error_fingerprint, p.unique_key, p.correlation, p.tags, ${now} as read_at
    from (${found} limit $9) p
    join ${schema}.queues q on q.id = p.queue_id
    join ${schema}.job_types type on type.id = p.type_id
    order by p.job_id desc`;
}

/**
 * All jobs of a tenant. The bounds are subselects, so that no estimate of how few ids lie between them
 * leads away from the order of the index. Locks: none. Index: the primary key, backwards.
 */
const listAll = defineStatement<JobFilter, ListedRow>({
  name: 'list-all-jobs',
  sql: (schema) =>
    page(
      schema,
      `select j.* from ${schema}.${jobStatusName} j
      where j.job_id >= (select $2::uuid) and j.job_id < (select $3::uuid) and ${filters}
      order by j.job_id desc`,
    ),
  values: filterValues,
});

/**
 * Jobs of some queues and statuses: one probe for each pair, in the order of the page and no longer
 * than it, then merged. So a status that few of millions of jobs have costs as little as any other.
 * Each probe compares and orders by the whole key of its index, although queue and status are given:
 * with `=` and `order by job_id` a planner that believed the table small walked the primary key, and
 * read all 120,000 rows in every probe.
 * Locks: none. Index: job_status_<build>_listed, backwards.
 */
const listInStates = defineStatement<JobFilter, ListedRow>({
  name: 'list-jobs-in-states',
  sql: (schema) =>
    page(
      schema,
      `select job.* from ${schema}.queues q
      cross join unnest($10::smallint[]) as wanted (status)
      cross join lateral (
        select j.* from ${schema}.${jobStatusName} j
        where (j.queue_id, j.status, j.job_id) >= (q.id, wanted.status, $2)
          and (j.queue_id, j.status, j.job_id) < (q.id, wanted.status, $3) and ${filters}
          and ${inPhase}
        order by j.queue_id desc, j.status desc, j.job_id desc limit $9
      ) job
      where q.tenant_id = $1 and ($11::int is null or q.id = $11)
      order by job.job_id desc`,
    ),
  values: stateValues,
});

/**
 * Jobs whose newest error is of one kind. The key of the index is compared and ordered by as a whole, for
 * the same reason as above. Locks: none. Index: job_status_<build>_failed, backwards.
 */
const listOfFailure = defineStatement<JobFilter, ListedRow>({
  name: 'list-jobs-of-failure',
  sql: (schema) =>
    page(
      schema,
      `select j.* from ${schema}.${jobStatusName} j
      where j.error_fingerprint is not null
        and (j.error_fingerprint, j.job_id) >= ($15::uuid, (select $2::uuid))
        and (j.error_fingerprint, j.job_id) < ($15, (select $3::uuid)) and ${filters}
        and coalesce(j.status = any ($10::smallint[]) and ($11::int is null or j.queue_id = $11)
          and ${inPhase}, false)
      order by j.error_fingerprint desc, j.job_id desc`,
    ),
  values: (filter) => [...stateValues(filter), filter.failure],
});

/**
 * One page of the jobs that match a filter, newest first, without counting and without OFFSET. It
 * reads little more than the page itself for queue, status and time; what few jobs have (a type, a
 * tag, an error, a phase of waiting) is searched for among those: 0.5 s in 2,000,000.
 */
export async function listJobs(database: Executor, filter: JobFilter): Promise<JobPage> {
  const unrestricted = filter.queueId === undefined && wantedStates(filter).all;
  const inStates = unrestricted ? listAll : listInStates;
  const rows = await database.run(filter.failure === undefined ? inStates : listOfFailure, filter);
  const jobs = rows.slice(0, pageLimit(filter)).map(listedJob);
  const last = rows.length > jobs.length ? jobs.at(-1) : undefined;
  return { jobs, nextCursor: last?.id ?? null };
}

const statusesByCode = new Map<number, JobStatus>(
  Object.entries(statusCodes).map(([status, code]) => [code, status as JobStatus]),
);

function listedJob(row: ListedRow): ListedJob {
  const status = statusesByCode.get(row.status);
  invariant(status !== undefined, 'the table holds only the codes of statusCodes');
  const { retrying, run_at: runAtMs, error_name: name, error_message: message } = row;
  return {
    id: row.job_id,
    version: row.version,
    queue: row.queue,
    type: row.type,
    status,
    phase: phaseOf({ status, retrying, runAtMs }, row.read_at),
    priority: row.priority,
    failures: row.failures,
    maxAttempts: row.max_attempts,
    runAtMs,
    submittedAtMs: row.submitted_at,
    startedAtMs: row.started_at,
    endedAtMs: row.ended_at,
    error: name === null ? null : { name, message: message ?? '' },
    failure: row.error_fingerprint?.replaceAll('-', '') ?? null,
    uniqueKey: row.unique_key,
    correlationId: row.correlation,
    tags: row.tags ?? [],
  };
}

/** Whole rows as they are stored, times in ms. Locks: none. Index: the primary key. */
export const readJobStatusRows = defineStatement<
  JobRange,
  Readonly<Record<string, unknown>> & { readonly job_id: string }
>({
  name: 'read-job-status-rows',
  sql: (schema) => `
    select job_id, ${exactMs('run_at')} as run_at, ${exactMs('submitted_at')} as submitted_at,
      ${exactMs('started_at')} as started_at, ${exactMs('ended_at')} as ended_at, position,
      since_position, version, tenant_id, queue_id, type_id, status, priority, failures,
      max_attempts, retrying, error_fingerprint, error_name, error_message, unique_key,
      correlation, tags
    from ${schema}.${jobStatusName} where job_id > $1 and job_id <= $2`,
  values: ({ after, upTo }) => [after, upTo],
});
