import type { ReadModelPlace, ReadModelTable } from '../../consumers/consumer.ts';
import { eventTypeCodes as types } from '../../domain/event-types.ts';
import { fingerprintSql } from '../error-fingerprint-sql.ts';
import { jobSpansName, keepSpans, statusAfter } from '../job-spans/table.ts';
import { statusCodes } from './status-codes.ts';

/** Characters kept of an error's message; the log has all of it. */
export const errorMessageLength = 200;

/** Under this name readers find the table of the live build. */
export const jobStatusName = 'job_status';

/**
 * One row per job, ended ones too. `since_position` is where its present status and queue began: with
 * job_spans it tells how things stood in the past. `run_at` is kept to the ms, which float arithmetic misses by some
 * µs for times after 2106.
 * No update is HOT, because the status is indexed: lists need that, and it costs a quarter of the
 * speed (173,000 events/s by CPU time, 219,000 without that index). Pages are filled, as room in
 * them then gains nothing (50 to 100 %: 173,000 to 190,000, within the noise).
 * Vacuum comes when 2 % of the rows have died: until then a list of running jobs steps over the
 * index entries of those that have ended.
 */
export const jobStatusTable: ReadModelTable = {
  name: jobStatusName,
  create: (table, prefix) => [
    `create table ${table} (
      job_id uuid not null,
      run_at timestamptz(3) not null,
      submitted_at timestamptz not null,
      started_at timestamptz,
      ended_at timestamptz,
      position bigint not null,
      since_position bigint not null,
      version integer not null,
      tenant_id integer not null,
      queue_id integer not null,
      type_id integer not null,
      status smallint not null,
      priority smallint not null,
      failures smallint not null,
      max_attempts smallint not null,
      retrying boolean not null,
      -- Of the newest failure: the group that failure-groups counts it in.
      error_fingerprint uuid,
      error_name text,
      error_message text,
      unique_key text,
      correlation text,
      tags text[],
      constraint ${prefix}_pkey primary key (job_id)
    ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000)`,
    // For lists of one queue and status, newest first.
    `create index ${prefix}_listed on ${table} (queue_id, status, job_id)`,
    // For the job that has waited longest.
    `create index ${prefix}_waiting on ${table} (queue_id, since_position)
      where status = ${statusCodes.waiting}`,
    // For the jobs behind a group of failures. Only jobs that have failed are in it: without failures it
    // costs nothing, and 7 % of this read model's time where every fifth job fails.
    `create index ${prefix}_failed on ${table} (error_fingerprint, job_id)
      where error_fingerprint is not null`,
  ],
};

const { waiting, running, completed, dead, cancelled } = statusCodes;

const fingerprint = (schema: string) =>
  fingerprintSql(
    `(select type.name from ${schema}.job_types type where type.id = e.job_type_id)`,
    "e.data #>> '{error,name}'",
    "e.data #>> '{error,message}'",
  );

/** What an event of any type changes, as `evolveJob` has it; times in ms. */
const changes = (schema: string) => `
  case e.type
    when ${types.JobClaimed} then
      jsonb_build_object('status', ${running}, 'startedAt', e.at)
    when ${types.JobCompleted} then
      jsonb_build_object('status', ${completed}, 'endedAt', e.at)
    when ${types.JobFailed} then
      jsonb_build_object('status', ${waiting}, 'runAt', e.at, 'retrying', true,
        'failures', e.data -> 'attempt', 'errorName', e.data #> '{error,name}',
        'errorFingerprint', ${fingerprint(schema)},
        'errorMessage', left(e.data #>> '{error,message}', ${errorMessageLength}))
    when ${types.JobRetried} then
      jsonb_build_object('status', ${waiting}, 'runAt', e.data -> 'runAtMs')
      || case when e.data ? 'revived' then
           jsonb_build_object('retrying', false, 'endedAt', null,
             'maxAttempts', e.data #> '{revived,maxAttempts}')
         else '{}' end
    when ${types.JobDead} then
      jsonb_build_object('status', ${dead}, 'endedAt', e.at)
    when ${types.JobCancelled} then
      jsonb_build_object('status', ${cancelled}, 'endedAt', e.at)
    when ${types.JobInterrupted} then
      jsonb_build_object('status', ${waiting}, 'runAt', e.at)
    when ${types.JobSnoozed} then
      jsonb_build_object('status', ${waiting}, 'runAt', e.data -> 'runAtMs', 'retrying', false)
    when ${types.JobRescheduled} then
      jsonb_build_object('runAt', e.data -> 'runAtMs', 'retrying', false)
    when ${types.JobEdited} then e.data -> 'changes'
    when ${types.JobMoved} then jsonb_build_object('queueId', e.queue_id)
    else '{}'
  end`;

const timeOf = (ms: string) => `to_timestamp((${ms})::float8 / 1000)`;
const tagsOf = (data: string) =>
  `nullif(array(select jsonb_array_elements_text(${data} -> 'tags')), '{}')`;

/**
 * Brings every job that a range touches to where it stands at the range's end, with one write each.
 *
 * Most jobs of most ranges were only submitted, claimed or completed: their newest facts are plain
 * maxima, one pass without JSON. The changes of all others are folded, event by event.
 * Inserting and updating apart is a tenth faster than one INSERT ... ON CONFLICT, and needs no NULL
 * in columns that have a value.
 * Locks: the rows it writes; the checkpoint's row keeps others away. Indexes: events_pkey (the range
 * is read three times, 4 ms for 20,000), the primary key by LATERAL probes; rows are updated by
 * ctid. With plan-for-ranges.ts nothing here depends on statistics.
 */
export const keepJobStatus = ({ schema, table }: ReadModelPlace): string => `
    with touched as materialized (
      select e.stream_id as job_id, max(e.position) as position, max(e.version) as version,
        min(e.position) as first_position,
        max(e.position) filter (where e.type = ${types.JobClaimed}) as claim_position,
        min(e.type) = ${types.JobSubmitted} as born,
        max(e.type) > ${types.JobCompleted} as folded,
        -- The types submitted, claimed and completed have the codes of the statuses they lead to.
        case when max(e.type) <= ${types.JobCompleted} then max(e.type) end as status,
        max(e.occurred_at) filter (where e.type = ${types.JobClaimed}) as started_at,
        max(e.occurred_at) filter (where e.type = ${types.JobCompleted}) as ended_at
      from ${schema}.events e
      where e.position > $1 and e.position <= $2 and e.type < ${types.QueueCreated}
      group by e.stream_id
    ),
    -- The events of those that have to be told one by one.
    told as materialized (
      select e.stream_id as job_id, e.position, e.type, e.queue_id, e.job_type_id, e.data,
        extract(epoch from e.occurred_at) * 1000 as at
      from ${schema}.events e
      join touched t on t.job_id = e.stream_id
      where t.folded and e.position > $1 and e.position <= $2
    ),
    fold as materialized (
      select e.job_id, ${schema}.fold_changes(${changes(schema)} order by e.position) as new
      from told e group by e.job_id
    ),
    -- Where they changed their status or queue; the other jobs did so by every event.
    steps as materialized (
      select job_id, position, queue_id, status,
        lead(position) over (partition by job_id order by position) as next_position
      from (select e.job_id, e.position, e.queue_id, ${statusAfter} as status from told e) e
      where status is not null
    ),
    stepped as materialized (
      select job_id, min(position) as left_position, max(position) as since from steps group by job_id
    ),
    before as (
      select null::tid as row_at, e.stream_id as job_id, q.tenant_id, e.queue_id,
        type.id as type_id, e.occurred_at as submitted_at,
        coalesce(${timeOf("e.data ->> 'runAtMs'")},
          e.occurred_at + coalesce((e.data ->> 'delayMs')::float8, 0) * interval '1 ms') as run_at,
        null::timestamptz as started_at, null::timestamptz as ended_at,
        ${waiting}::smallint as status, (e.data ->> 'priority')::smallint as priority,
        0::smallint as failures, (e.data ->> 'maxAttempts')::smallint as max_attempts,
        false as retrying, null::uuid as error_fingerprint, null as error_name,
        null as error_message, e.data ->> 'uniqueKey' as unique_key, e.correlation,
        case when e.data ? 'tags' then ${tagsOf('e.data')} end as tags,
        e.position as since_position
      from ${schema}.events e
      join ${schema}.queues q on q.id = e.queue_id
      left join ${schema}.job_types type
        on type.tenant_id = q.tenant_id and type.name = e.data ->> 'type'
      where e.position > $1 and e.position <= $2 and e.type = ${types.JobSubmitted}
      union all
      select old.* from touched t
      cross join lateral (
        select j.ctid, j.job_id, j.tenant_id, j.queue_id, j.type_id, j.submitted_at, j.run_at,
          j.started_at, j.ended_at, j.status, j.priority, j.failures, j.max_attempts, j.retrying,
          j.error_fingerprint, j.error_name, j.error_message, j.unique_key, j.correlation, j.tags,
          j.since_position
        from ${table(jobStatusName)} j where j.job_id = t.job_id limit 1
      ) old
      where not t.born
    ),
    after as materialized (
      select b.row_at, b.job_id, b.tenant_id, b.type_id, b.submitted_at, b.unique_key,
        b.correlation, t.position, t.version,
        b.status as old_status, b.queue_id as old_queue_id, b.since_position as old_since,
        case when t.folded then s.left_position else t.first_position end as left_position,
        case when t.folded then coalesce(s.since, b.since_position) else t.position end
          as since_position,
        case when t.born and not t.folded then t.first_position end as birth_position,
        case when not t.folded then t.claim_position end as claim_position,
        coalesce((f.new ->> 'queueId')::int, b.queue_id) as queue_id,
        coalesce((f.new ->> 'status')::smallint, t.status, b.status) as status,
        coalesce(${timeOf("f.new ->> 'runAt'")}, b.run_at) as run_at,
        coalesce(${timeOf("f.new ->> 'startedAt'")}, t.started_at, b.started_at) as started_at,
        case when f.new ? 'endedAt' then ${timeOf("f.new ->> 'endedAt'")}
             else coalesce(t.ended_at, b.ended_at) end as ended_at,
        coalesce((f.new ->> 'priority')::smallint, b.priority) as priority,
        coalesce((f.new ->> 'failures')::smallint, b.failures) as failures,
        coalesce((f.new ->> 'maxAttempts')::smallint, b.max_attempts) as max_attempts,
        coalesce((f.new ->> 'retrying')::boolean, b.retrying) as retrying,
        coalesce((f.new ->> 'errorFingerprint')::uuid, b.error_fingerprint) as error_fingerprint,
        coalesce(f.new ->> 'errorName', b.error_name) as error_name,
        coalesce(f.new ->> 'errorMessage', b.error_message) as error_message,
        case when f.new ? 'tags' then ${tagsOf('f.new')} else b.tags end as tags
      from before b
      join touched t on t.job_id = b.job_id
      left join fold f on f.job_id = b.job_id
      left join stepped s on s.job_id = b.job_id
    ),
    ended as (${keepSpans(table(jobSpansName))}
    ),
    inserted as (
      insert into ${table(jobStatusName)} (job_id, tenant_id, queue_id, type_id, status, retrying,
        priority, failures, max_attempts, run_at, submitted_at, started_at, ended_at,
        error_fingerprint, error_name, error_message, unique_key, correlation, tags, position,
        since_position, version)
      select job_id, tenant_id, queue_id, type_id, status, retrying,
        priority, failures, max_attempts, run_at, submitted_at, started_at, ended_at,
        error_fingerprint, error_name, error_message, unique_key, correlation, tags, position,
        since_position, version
      from after where row_at is null
    ),
    updated as (
      update ${table(jobStatusName)} j
      set queue_id = a.queue_id, status = a.status, retrying = a.retrying, priority = a.priority,
        failures = a.failures, max_attempts = a.max_attempts, run_at = a.run_at,
        started_at = a.started_at, ended_at = a.ended_at,
        error_fingerprint = a.error_fingerprint, error_name = a.error_name,
        error_message = a.error_message, tags = a.tags, position = a.position,
        since_position = a.since_position, version = a.version
      from after a
      where j.ctid = any (array(select row_at from after where row_at is not null))
        and a.job_id = j.job_id
    )
    select count(*)::int as written from after`;
