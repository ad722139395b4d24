import type { ReadModelPlace } from '../../../consumers/consumer.ts';
import { eventTypeCodes as types } from '../../../domain/event-types.ts';
import { jobSpansName, keepSpans } from '../../job-spans/table.ts';
import { landmarkBits, landmarksBelow } from '../../landmarks.ts';
import { statusCodes } from '../status-codes.ts';
import { jobStatusName } from '../table.ts';

const { waiting, running, completed } = statusCodes;

/**
 * SQL: the jobs to which a range did anything else than submit, claim and complete them. Mostly none.
 */
export const toldJobs = (schema: string): string => `
      select distinct e.stream_id as job_id from ${schema}.events e
      where e.position > $1 and e.position <= $2
        and e.type > ${types.JobCompleted} and e.type < ${types.QueueCreated}`;

/**
 * Brings the jobs that a range did nothing to but submit, claim and complete them to where they
 * stand at its end, with one write each. Of each of these events such a job has at most one in the range,
 * three lists joined are all there is to know, without a fold and almost without JSON.
 * Inserting and updating apart is a tenth faster than one INSERT ... ON CONFLICT.
 * Locks: the rows it writes; the checkpoint's row keeps others away. Indexes: events_pkey, by which the
 * range is read once per list (1 ms for 10,000), the primary key by LATERAL probes; rows are updated by
 * ctid. With plan-for-ranges.ts nothing here depends on statistics.
 */
export const keepPlainJobs = ({ schema, table }: ReadModelPlace): string => {
  const eventsOf = (type: number) => `
select e.* from ${schema}.events e
        where e.position > $1 and e.position <= $2 and e.type = ${type}`;
  /** Whether any landmark lies in the range: told from the parameters alone, mostly false. */
  const passed = `${landmarksBelow('$2::bigint')} > ($1::bigint >> ${landmarkBits})`;
  return `
    with told as materialized (${toldJobs(schema)}
    ),
    plain as materialized (
      select coalesce(s.stream_id, c.stream_id, d.stream_id) as job_id,
        coalesce(s.queue_id, c.queue_id, d.queue_id) as queue_id,
        s.position as birth_position, s.occurred_at as submitted_at, s.job_type_id as type_id, s.data,
        s.correlation, s.tags,
        c.position as claim_position, c.occurred_at as started_at,
        d.position as end_position, d.occurred_at as ended_at,
        coalesce(d.position, c.position, s.position) as position,
        coalesce(d.version, c.version, s.version) as version,
        case when d.position is not null then ${completed}
             when c.position is not null then ${running} else ${waiting} end as status
      from (${eventsOf(types.JobSubmitted)}) s
      full join (${eventsOf(types.JobClaimed)}) c on c.stream_id = s.stream_id
      full join (${eventsOf(types.JobCompleted)}) d
        on d.stream_id = coalesce(s.stream_id, c.stream_id)
      where not exists (
        select from told where told.job_id = coalesce(s.stream_id, c.stream_id, d.stream_id))
    ),
    known as materialized (
      select old.*, p.position, p.version, p.status, p.started_at, p.ended_at,
        coalesce(p.claim_position, p.end_position) as left_position
      from plain p
      cross join lateral (
        select j.ctid as row_at, j.job_id, j.queue_id, j.status as old_status,
          j.since_position as old_since
        from ${table(jobStatusName)} j where j.job_id = p.job_id limit 1
      ) old
      where p.birth_position is null
    ),
    spans as (${keepSpans(
      table(jobSpansName),
      `
        select job_id, old_since as from_position, left_position as to_position, queue_id,
          old_status as status
        from known
        union all
        select job_id, birth_position, claim_position, queue_id, ${waiting}
        from plain where ${passed} and birth_position < claim_position
        union all
        select job_id, claim_position, end_position, queue_id, ${running}
        from plain where ${passed} and claim_position < end_position`,
    )}
    ),
    born as (
      insert into ${table(jobStatusName)} (job_id, tenant_id, queue_id, type_id, status, retrying,
        priority, failures, max_attempts, run_at, submitted_at, started_at, ended_at, unique_key,
        correlation, tags, position, since_position, version)
      select p.job_id, q.tenant_id, p.queue_id, p.type_id, p.status, false,
        (p.data ->> 'priority')::smallint, 0, (p.data ->> 'maxAttempts')::smallint,
        coalesce(to_timestamp((p.data ->> 'runAtMs')::float8 / 1000),
          p.submitted_at + (p.data ->> 'delayMs')::float8 * interval '1 ms', p.submitted_at),
        p.submitted_at, p.started_at, p.ended_at, p.data ->> 'uniqueKey', p.correlation,
        nullif(p.tags, '{}'), p.position, p.position, p.version
      from plain p join ${schema}.queues q on q.id = p.queue_id
      where p.birth_position is not null
      -- Ids of the server grow with time: in this order every index grows at its end.
      order by p.birth_position
    )
    update ${table(jobStatusName)} j
    set status = k.status, started_at = coalesce(k.started_at, j.started_at),
      ended_at = coalesce(k.ended_at, j.ended_at), position = k.position,
      since_position = k.position, version = k.version
    from known k
    where j.ctid = any (array(select row_at from known)) and k.job_id = j.job_id`;
};
