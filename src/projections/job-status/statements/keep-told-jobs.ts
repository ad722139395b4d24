import type { ReadModelPlace } from '../../../consumers/consumer.ts';
import { eventTypeCodes as types } from '../../../domain/event-types.ts';
import { fingerprintSql } from '../../error-fingerprint-sql.ts';
import { jobSpansName, keepSpans, statusAfter } from '../../job-spans/table.ts';
import { statusCodes } from '../status-codes.ts';
import { errorMessageLength, jobStatusName } from '../table.ts';
import { toldJobs } from './keep-plain-jobs.ts';

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
 * Brings the other jobs of a range, to which more was done than submitting, claiming and completing
 * them, to where they stand at its end, with one write each: their changes are folded, event by event.
 * Runs after keep-plain-jobs.ts, which leaves these jobs alone.
 * Locks: the rows it writes; the checkpoint's row keeps others away. Indexes: events_<k>_told, events_pkey (the
 * range is read where there are such jobs), the primary key. With plan-for-ranges.ts nothing here
 * depends on statistics.
 */
export const keepToldJobs = ({ schema, table }: ReadModelPlace): string => `
    with told_jobs as materialized (${toldJobs(schema)}
    ),
    told as materialized (
      select e.stream_id as job_id, e.position, e.version, e.type, e.queue_id, e.job_type_id, e.data,
        e.occurred_at, e.correlation, e.tags, extract(epoch from e.occurred_at) * 1000 as at
      from told_jobs t join ${schema}.events e on e.stream_id = t.job_id
      where e.position > $1 and e.position <= $2
    ),
    touched as materialized (
      select job_id, max(position) as position, max(version) as version,
        min(type) = ${types.JobSubmitted} as born,
        ${schema}.fold_changes(${changes(schema)} order by position) as new
      from told e group by job_id
    ),
    -- Where they changed their status or queue.
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
      select true as born, e.job_id, q.tenant_id, e.queue_id, e.job_type_id as type_id,
        e.occurred_at as submitted_at,
        coalesce(${timeOf("e.data ->> 'runAtMs'")},
          e.occurred_at + coalesce((e.data ->> 'delayMs')::float8, 0) * interval '1 ms') as run_at,
        null::timestamptz as started_at, null::timestamptz as ended_at,
        ${waiting}::smallint as status, (e.data ->> 'priority')::smallint as priority,
        0::smallint as failures, (e.data ->> 'maxAttempts')::smallint as max_attempts,
        false as retrying, null::uuid as error_fingerprint, null as error_name,
        null as error_message, e.data ->> 'uniqueKey' as unique_key, e.correlation,
        nullif(e.tags, '{}') as tags, e.position as since_position
      from told e join ${schema}.queues q on q.id = e.queue_id
      where e.type = ${types.JobSubmitted}
      union all
      select old.* from touched t
      cross join lateral (
        select false, j.job_id, j.tenant_id, j.queue_id, j.type_id, j.submitted_at, j.run_at,
          j.started_at, j.ended_at, j.status, j.priority, j.failures, j.max_attempts, j.retrying,
          j.error_fingerprint, j.error_name, j.error_message, j.unique_key, j.correlation, j.tags,
          j.since_position
        from ${table(jobStatusName)} j where j.job_id = t.job_id limit 1
      ) old
      where not t.born
    ),
    after as materialized (
      select b.born, b.job_id, b.tenant_id, b.type_id, b.submitted_at, b.unique_key,
        b.correlation, t.position, t.version,
        b.status as old_status, b.queue_id as old_queue_id, b.since_position as old_since,
        s.left_position, coalesce(s.since, b.since_position) as since_position,
        coalesce((t.new ->> 'queueId')::int, b.queue_id) as queue_id,
        coalesce((t.new ->> 'status')::smallint, b.status) as status,
        coalesce(${timeOf("t.new ->> 'runAt'")}, b.run_at) as run_at,
        coalesce(${timeOf("t.new ->> 'startedAt'")}, b.started_at) as started_at,
        case when t.new ? 'endedAt' then ${timeOf("t.new ->> 'endedAt'")}
             else b.ended_at end as ended_at,
        coalesce((t.new ->> 'priority')::smallint, b.priority) as priority,
        coalesce((t.new ->> 'failures')::smallint, b.failures) as failures,
        coalesce((t.new ->> 'maxAttempts')::smallint, b.max_attempts) as max_attempts,
        coalesce((t.new ->> 'retrying')::boolean, b.retrying) as retrying,
        coalesce((t.new ->> 'errorFingerprint')::uuid, b.error_fingerprint) as error_fingerprint,
        coalesce(t.new ->> 'errorName', b.error_name) as error_name,
        coalesce(t.new ->> 'errorMessage', b.error_message) as error_message,
        case when t.new ? 'tags' then ${tagsOf('t.new')} else b.tags end as tags
      from before b
      join touched t on t.job_id = b.job_id
      left join stepped s on s.job_id = b.job_id
    ),
    ended as (${keepSpans(
      table(jobSpansName),
      `
        select job_id, old_since as from_position, left_position as to_position,
          old_queue_id as queue_id, old_status as status
        from after where left_position is not null and not born
        union all
        select job_id, position, next_position, queue_id, status
        from steps where next_position is not null`,
    )}
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
      from after where born
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
      where j.job_id = any (array(select job_id from after where not born))
        and a.job_id = j.job_id
    )
    select count(*)::int as written from after`;
