import { jsonColumn, plainColumn, sparseColumn } from '../parameters/columns.ts';
import type { JsonBody } from '../parameters/body-page.ts';
import { JsonBodies } from '../parameters/json-bodies.ts';
import { defineStatement, now } from '../statement.ts';

export interface SubmittedJobRow {
  readonly id: string;
  readonly queueId: number;
  readonly typeId: number;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly runAtMs: number | null;
  readonly delayMs: number;
  /** As JSON. */
  readonly payload: JsonBody;
  readonly payloadHash: string;
  readonly payloadBytes: number;
  /** The data of JobSubmitted, as JSON text. */
  readonly data: string;
  readonly correlation: string | null;
  readonly actor: string | null;
  readonly causation: string | null;
}

/** How many were born, and when: one row for all, because a row for each costs more than it tells. */
export interface BornRow {
  readonly born: number;
  readonly occurred_at: number | null;
}

export interface SubmitJobsParams {
  readonly tenantId: number;
  readonly jobs: readonly SubmittedJobRow[];
}

/** SQL: the jobs as they are given, without their payloads; $1 is the tenant. */
export const submittedColumns = `
      select i.id, i.queue_id, i.type_id, i.priority, i.max_attempts, i.run_at, i.delay_ms,
        i.payload_bytes, i.data, i.correlation, i.actor, i.causation,
        case when i.data ? 'tags'
             then array(select jsonb_array_elements_text(i.data -> 'tags')) end as tags
      from rows from (
        unnest($2::uuid[], $3::int[], $4::int[], $5::smallint[], $6::smallint[],
               $7::timestamptz[], $8::float8[], $9::int[], $11::text[], $12::text[], $13::text[]),
        jsonb_array_elements($10::jsonb)
      ) as i (id, queue_id, type_id, priority, max_attempts, run_at, delay_ms,
              payload_bytes, correlation, actor, causation, data)`;

/**
 * SQL: what is inserted into job_payloads; `clock` is to be there. The arrays are read side by side, row
 * by row: in the table of `input` payloads of 10 KB would be written to a file, sorted in a file and
 * written to a third.
 */
export const submittedBodies = `
      select unnest($2::uuid[]), clock.now, $1::int, decode(unnest($14::text[]), 'hex'), unnest($15::json[])
      from clock`;

/**
 * Births: payload, claim row and JobSubmitted of each job, or nothing of it.
 * The payload row comes first and is the one guard that a stream is born once; the claim row joins
 * it, and the event joins the claim row, so a job that is there already, or whose unique key is held,
 * appends nothing, and a transaction id exists before an inbox number is drawn.
 * Locks: the rows it inserts; waits on a transaction that inserts the same id or unique key.
 * Indexes: job_payloads_pkey, job_claims_unique_key.
 */
export const submitJobs = defineStatement<SubmitJobsParams, BornRow>({
  name: 'submit-jobs',
  sql: (schema) => `
    with clock as (select ${now} as now),
    input as materialized (${submittedColumns}),
    born as (
      insert into ${schema}.job_payloads (job_id, created_at, tenant_id, payload_hash, payload)
      ${submittedBodies}
      on conflict (job_id) do nothing
      returning job_id
    ),
    claimable as (
      insert into ${schema}.job_claims (id, run_at, submitted_at, queue_id, type_id, tenant_id,
        version, timeout_ms, payload_bytes, max_attempts, priority, unique_key, correlation,
        retry_policy, tags)
      select i.id,
        coalesce(i.run_at, clock.now + i.delay_ms * interval '1 ms'),
        clock.now, i.queue_id, i.type_id, $1, 1, (i.data ->> 'timeoutMs')::int, i.payload_bytes,
        i.max_attempts, i.priority, i.data ->> 'uniqueKey', i.correlation,
        i.data -> 'retryPolicy', i.tags
      from input i join born on born.job_id = i.id, clock
      order by i.data ->> 'uniqueKey', i.id
      on conflict (tenant_id, unique_key) where unique_key is not null do nothing
      returning id, tags
    ),
    logged as (
      insert into ${schema}.event_inbox
        (occurred_at, stream_id, version, queue_id, job_type_id, type, data, actor, causation,
         correlation, tags)
      select clock.now, i.id, 1, i.queue_id, i.type_id, 1, i.data, i.actor, i.causation,
        i.correlation, claimable.tags
      from input i join claimable on claimable.id = i.id, clock
      order by i.id
      returning occurred_at
    )
    select count(*)::int as born, min(occurred_at) as occurred_at from logged`,
  values: ({ tenantId, jobs: given }) => {
    const jobs = inIdOrder(given);
    return [
      tenantId,
      plainColumn(jobs.map((job) => job.id)),
      plainColumn(jobs.map((job) => job.queueId)),
      plainColumn(jobs.map((job) => job.typeId)),
      plainColumn(jobs.map((job) => job.priority)),
      plainColumn(jobs.map((job) => job.maxAttempts)),
      sparseColumn(
        jobs.map((job) => (job.runAtMs === null ? null : new Date(job.runAtMs).toISOString())),
      ),
      plainColumn(jobs.map((job) => job.delayMs)),
      plainColumn(jobs.map((job) => job.payloadBytes)),
      jsonColumn(jobs.map((job) => job.data)),
      sparseColumn(jobs.map((job) => job.correlation)),
      sparseColumn(jobs.map((job) => job.actor)),
      sparseColumn(jobs.map((job) => job.causation)),
      plainColumn(jobs.map((job) => job.payloadHash)),
      new JsonBodies(jobs.map((job) => job.payload)),
    ];
  },
});

/** Payload rows are written in the order in which they are given, and all writers lock in that of ids. */
function inIdOrder(jobs: readonly SubmittedJobRow[]): readonly SubmittedJobRow[] {
  const isInOrder = jobs.every(({ id }, index) => index === 0 || (jobs[index - 1]?.id ?? '') < id);
  return isInOrder ? jobs : jobs.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}
