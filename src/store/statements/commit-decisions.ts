import { sqlState } from '../sqlstate.ts';
import { defineStatement } from '../statement.ts';

/** What becomes of a job's row: changed, gone, moved to the dead, or brought back from them. */
export type RowChange = 'update' | 'end' | 'bury' | 'revive';

/** A decision for one job: the row as folding its new events gives it. Times are ms since the epoch. */
export interface DecisionRow {
  readonly id: string;
  /** The version the decision was made on; any other in the database: nothing happens to this job. */
  readonly expected: number;
  readonly version: number;
  readonly change: RowChange;
  readonly at_ms: number;
  readonly run_at_ms: number;
  readonly submitted_at_ms: number;
  readonly queue_id: number;
  readonly type_id: number;
  readonly priority: number;
  readonly failures: number;
  readonly max_attempts: number;
  readonly crashes: number;
  readonly suspect: boolean;
  readonly holds_lease: boolean;
  readonly cancel_requested: boolean;
  readonly cancel_reason: string | null;
  readonly timeout_ms: number | null;
  readonly payload_bytes: number;
  readonly unique_key: string | null;
  readonly correlation: string | null;
  readonly retry_policy: unknown;
  readonly tags: readonly string[] | null;
  /** A new payload as JSON text, and its hash; null to leave it. */
  readonly payload: string | null;
  readonly payload_hash: string | null;
}

export interface DecidedEventRow {
  readonly stream_id: string;
  readonly version: number;
  readonly queue_id: number;
  readonly type: number;
  readonly at_ms: number;
  readonly data: unknown;
  readonly correlation: string | null;
}

export interface CommitDecisionsParams {
  readonly tenantId: number;
  readonly decisions: readonly DecisionRow[];
  readonly events: readonly DecidedEventRow[];
  readonly actor: string | null;
  readonly causation: string | null;
  /** Raise an error unless every decision is kept: for a caller's own transaction. */
  readonly orRaise: boolean;
}

/**
 * Keeps decisions that were made by `decide` on a loaded state: each only if its job is still at the
 * version it was made on. The events join the rows that changed, so a lost race appends nothing.
 * Answers the ids kept.
 * Locks: claim rows FOR UPDATE in id order; a revived job's unique key waits on its holder's
 * transaction. Indexes: job_claims_pkey, dead_jobs_pkey; rows are changed by ctid.
 */
export const commitDecisions = defineStatement<CommitDecisionsParams, { kept: string[] }>({
  name: 'commit-decisions',
  sql: (schema) => `
    with decision as materialized (
      select *, to_timestamp(at_ms / 1000) as at, to_timestamp(run_at_ms / 1000) as run_at,
        to_timestamp(submitted_at_ms / 1000) as submitted_at
      from jsonb_to_recordset($2::jsonb) as d (
        id uuid, expected int, version int, change text, at_ms float8, run_at_ms float8,
        submitted_at_ms float8, queue_id int, type_id int, priority smallint, failures smallint,
        max_attempts smallint, crashes smallint, suspect boolean, holds_lease boolean,
        cancel_requested boolean, cancel_reason text, timeout_ms int, payload_bytes int,
        unique_key text, correlation text, retry_policy jsonb, tags text[], payload text,
        payload_hash text)
      order by id
    ),
    held as materialized (
      select d.id, d.change, job.row_at from decision d
      cross join lateral (
        select c.ctid as row_at from ${schema}.job_claims c
        where c.id = d.id and c.tenant_id = $1 and c.version = d.expected
        limit 1
        for update of c
      ) job
      where d.change <> 'revive'
    ),
    updated as (
      update ${schema}.job_claims c
      set version = d.version, run_at = d.run_at, queue_id = d.queue_id, priority = d.priority,
        failures = d.failures, max_attempts = d.max_attempts, crashes = d.crashes,
        suspect = d.suspect, cancel_requested = d.cancel_requested,
        cancel_reason = d.cancel_reason, timeout_ms = d.timeout_ms,
        payload_bytes = d.payload_bytes, retry_policy = d.retry_policy, tags = d.tags,
        session_id = case when d.holds_lease then c.session_id end,
        lease_token = case when d.holds_lease then c.lease_token end,
        claimed_at = case when d.holds_lease then c.claimed_at end,
        start_marked = d.holds_lease and c.start_marked
      from decision d
      where c.ctid = any (array(select row_at from held where change = 'update')) and d.id = c.id
      returning c.id, c.session_id
    ),
    ended as (
      delete from ${schema}.job_claims c
      where c.ctid = any (array(select row_at from held where change in ('end', 'bury')))
      returning c.id
    ),
    buried as (
      insert into ${schema}.dead_jobs (job_id, died_at, submitted_at, queue_id, type_id, tenant_id,
        version, timeout_ms, payload_bytes, failures, max_attempts, priority, unique_key,
        correlation, retry_policy, tags)
      select d.id, d.at, d.submitted_at, d.queue_id, d.type_id, $1, d.version, d.timeout_ms,
        d.payload_bytes, d.failures, d.max_attempts, d.priority, d.unique_key, d.correlation,
        d.retry_policy, d.tags
      from decision d join ended on ended.id = d.id where d.change = 'bury'
    ),
    risen as materialized (
      select d.id, dead.row_at from decision d
      cross join lateral (
        select j.ctid as row_at from ${schema}.dead_jobs j
        where j.job_id = d.id and j.tenant_id = $1 and j.version = d.expected
        limit 1
        for update of j
      ) dead
      where d.change = 'revive'
    ),
    revived as (
      insert into ${schema}.job_claims (id, run_at, submitted_at, queue_id, type_id, tenant_id,
        version, timeout_ms, payload_bytes, failures, max_attempts, priority, unique_key,
        correlation, retry_policy, tags)
      select d.id, d.run_at, d.submitted_at, d.queue_id, d.type_id, $1, d.version, d.timeout_ms,
        d.payload_bytes, d.failures, d.max_attempts, d.priority, d.unique_key, d.correlation,
        d.retry_policy, d.tags
      from decision d join risen on risen.id = d.id
      order by d.unique_key, d.id
      on conflict (tenant_id, unique_key) where unique_key is not null do nothing
      returning id
    ),
    unburied as (
      delete from ${schema}.dead_jobs j
      where j.ctid = any (array(
        select row_at from risen join revived on revived.id = risen.id))
    ),
    kept as (
      select id from updated union all select id from ended union all select id from revived
    ),
    stored as (
      update ${schema}.job_payloads p
      set payload = d.payload::json, payload_hash = decode(d.payload_hash, 'hex')
      from decision d join kept on kept.id = d.id
      where p.job_id = d.id and d.payload is not null
    ),
    logged as (
      insert into ${schema}.event_inbox
        (occurred_at, stream_id, version, queue_id, type, data, actor, causation, correlation)
      select to_timestamp(e.at_ms / 1000), e.stream_id, e.version, e.queue_id, e.type, e.data, $4,
        $5, e.correlation
      from jsonb_to_recordset($3::jsonb) as e (stream_id uuid, version int, queue_id int,
        type smallint, at_ms float8, data jsonb, correlation text)
      join kept on kept.id = e.stream_id
      order by e.stream_id, e.version
    )
    select coalesce(array_agg(id), '{}') as kept,
      case when $6 and count(*) < jsonb_array_length($2::jsonb) then ${schema}.refuse(
        '${sqlState.leaseLost}', 'The job has changed: this transaction must not commit.') end
    from kept`,
  values: ({ tenantId, decisions, events, actor, causation, orRaise }) => [
    tenantId,
    JSON.stringify(decisions),
    JSON.stringify(events),
    actor,
    causation,
    orRaise,
  ],
});
