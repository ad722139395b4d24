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
 * range is read once per list (1 ms for 10,000), events_<k>_told, the primary key for all ids at once (a probe
 * for each took twice as long). With plan-for-ranges.ts nothing here depends on statistics. (By ctid, while
 * the table was almost empty, rows were looked for among all that the primary key has.)
 */
export const keepPlainJobs = ({ schema, table }: ReadModelPlace): string => {
  const eventsOf = (type: number) => `
        select e.* from ${schema}.events e
        where e.position > $1 and e.position <= $2 and e.type = ${type}
          and e.stream_id not in (select job_id from told)`;
  /** Whether any landmark lies in the range: told from the parameters alone. */
  const passed = `${landmarksBelow('$2::bigint')} > ($1::bigint >> ${landmarkBits})`;
  return `
    with told as materialized (${toldJobs(schema)}
    ),
    moved as materialized (
      select coalesce(c.stream_id, d.stream_id) as job_id, coalesce(c.queue_id, d.queue_id) as queue_id,
        c.position as claim_position, c.occurred_at as started_at,
        d.position as end_position, d.occurred_at as ended_at,
        coalesce(c.position, d.position) as left_position,
        coalesce(d.position, c.position) as position, coalesce(d.version, c.version) as version,
        case when d.position is null then ${running} else ${completed} end as status
      from (${eventsOf(types.JobClaimed)}) c
      full join (${eventsOf(types.JobCompleted)}) d on d.stream_id = c.stream_id
    ),
    births as materialized (
      select s.stream_id as job_id, s.queue_id, s.position as birth_position,
        s.occurred_at as submitted_at, s.job_type_id as type_id, s.data, s.correlation, s.tags,
        m.claim_position, m.started_at, m.ended_at, coalesce(m.position, s.position) as position,
        coalesce(m.version, s.version) as version, coalesce(m.status, ${waiting}) as status
      from (${eventsOf(types.JobSubmitted)}) s
      left join moved m on m.job_id = s.stream_id
    ),
    older as materialized (
      select * from moved m where m.job_id not in (select job_id from births)
    ),
    known as materialized (
      select j.job_id, j.queue_id, j.status as old_status, j.since_position as old_since,
        o.left_position, o.position, o.version, o.status, o.started_at, o.ended_at
      from older o join ${table(jobStatusName)} j on j.job_id = o.job_id
      where j.job_id = any (array(select job_id from older))
    ),
    spans as (${keepSpans(
      table(jobSpansName),
      `
        select job_id, old_since as from_position, left_position as to_position, queue_id,
          old_status as status
        from known
        union all
        select job_id, birth_position, claim_position, queue_id, ${waiting}
        from births where ${passed} and birth_position < claim_position
        union all
        select job_id, claim_position, end_position, queue_id, ${running}
        from moved where ${passed} and claim_position < end_position`,
    )}
    ),
    born as (
      insert into ${table(jobStatusName)} (job_id, tenant_id, queue_id, type_id, status, retrying,
        priority, failures, max_attempts, run_at, submitted_at, started_at, ended_at, unique_key,
        correlation, tags, position, since_position, version)
      select b.job_id, q.tenant_id, b.queue_id, b.type_id, b.status, false,
        (b.data ->> 'priority')::smallint, 0, (b.data ->> 'maxAttempts')::smallint,
        coalesce(to_timestamp((b.data ->> 'runAtMs')::float8 / 1000),
          b.submitted_at + (b.data ->> 'delayMs')::float8 * interval '1 ms', b.submitted_at),
        b.submitted_at, b.started_at, b.ended_at, b.data ->> 'uniqueKey', b.correlation,
        nullif(b.tags, '{}'), b.position, b.position, b.version
      from births b join ${schema}.queues q on q.id = b.queue_id
      -- Ids of the server grow with time: in this order every index grows at its end.
      order by b.birth_position
    )
    update ${table(jobStatusName)} j
    set status = k.status, started_at = coalesce(k.started_at, j.started_at),
      ended_at = coalesce(k.ended_at, j.ended_at), position = k.position,
      since_position = k.position, version = k.version
    from known k
    where j.job_id = any (array(select job_id from known)) and k.job_id = j.job_id`;
};
