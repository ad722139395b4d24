import { boundedLocks, defineStatement } from '../statement.ts';

/** What becomes of a job's row: changed, gone, moved to the dead, brought back from them, ... */
export type RowChange =
  | 'update'
  | 'end'
  | 'bury'
  | 'revive'
  /** A dead job that stays dead. */
  | 'touch'
  /** An ended job, of which only the bodies are left. */
  | 'bodies';

/** A decision for one job: the row as folding its new events gives it. Times are ms since the epoch. */
export interface DecisionRow {
  readonly id: string;
  /** The version the decision was made on; any other in the database: nothing happens to this job. */
  readonly expected: number;
  readonly version: number;
  readonly change: RowChange;
  /** Times in ISO 8601: a double holds no ms in the year 9999. */
  readonly at: string;
  readonly run_at: string;
  readonly submitted_at: string;
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
  /** Take payload and result away; the hash stays. */
  readonly erase: boolean;
}

export interface DecidedEventRow {
  readonly stream_id: string;
  readonly version: number;
  readonly queue_id: number;
  readonly job_type_id: number;
  readonly type: number;
  readonly at: string;
  readonly elapsed_ms: number | null;
  readonly data: unknown;
  readonly correlation: string | null;
  readonly tags: readonly string[] | null;
}

export interface CommitDecisionsParams {
  readonly tenantId: number;
  readonly decisions: readonly DecisionRow[];
  readonly events: readonly DecidedEventRow[];
  readonly actor: string | null;
  readonly causation: string | null;
  /** It runs by itself, and not in a caller's transaction. */
  readonly isOwnTransaction: boolean;
}

/**
 * Keeps decisions that were made by `decide` on a loaded state: each only if its job is still at the
 * version it was made on. The events join the rows that changed, so a lost race appends nothing.
 * Answers the ids kept.
 * Locks: claim rows FOR UPDATE in id order, for which it waits a second at the most, unless in a
 * caller's transaction; a revived job's unique key waits on its holder's
 * transaction. Indexes: job_claims_pkey, dead_jobs_pkey, job_payloads_pkey. Rows are changed by a join
 * on ctid: on the id, a planner that believes the table empty merges along the whole primary key.
 */
export const commitDecisions = defineStatement<CommitDecisionsParams, { kept: string[] }>({
  name: 'commit-decisions',
  prepared: true,
  sql: (schema) => `
    with decision as materialized (
      select d.*, wait.bound from jsonb_to_recordset($2::jsonb) as d (
        id uuid, expected int, version int, change text, at timestamptz, run_at timestamptz,
        submitted_at timestamptz, queue_id int, type_id int, priority smallint, failures smallint,
        max_attempts smallint, crashes smallint, suspect boolean, holds_lease boolean,
        cancel_requested boolean, cancel_reason text, timeout_ms int, payload_bytes int,
        unique_key text, correlation text, retry_policy jsonb, tags text[], payload text,
        payload_hash text, erase boolean)
      cross join (select ${boundedLocks('$6')}) as wait (bound)
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
      where d.change in ('update', 'end', 'bury')
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
      from held h join decision d on d.id = h.id
      where h.change = 'update' and c.ctid = h.row_at
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
      select d.id, d.change, dead.row_at from decision d
      cross join lateral (
        select j.ctid as row_at from ${schema}.dead_jobs j
        where j.job_id = d.id and j.tenant_id = $1 and j.version = d.expected
        limit 1
        for update of j
      ) dead
      where d.change in ('revive', 'touch')
    ),
    revived as (
      insert into ${schema}.job_claims (id, run_at, submitted_at, queue_id, type_id, tenant_id,
        version, timeout_ms, payload_bytes, failures, max_attempts, priority, unique_key,
        correlation, retry_policy, tags)
      select d.id, d.run_at, d.submitted_at, d.queue_id, d.type_id, $1, d.version, d.timeout_ms,
        d.payload_bytes, d.failures, d.max_attempts, d.priority, d.unique_key, d.correlation,
        d.retry_policy, d.tags
      from decision d join risen on risen.id = d.id and risen.change = 'revive'
      order by d.unique_key, d.id
      on conflict (tenant_id, unique_key) where unique_key is not null do nothing
      returning id
    ),
    unburied as (
      delete from ${schema}.dead_jobs j
      where j.ctid = any (array(
        select row_at from risen join revived on revived.id = risen.id))
    ),
    touched as (
      update ${schema}.dead_jobs j set version = d.version
      from risen r join decision d on d.id = r.id
      where r.change = 'touch' and j.ctid = r.row_at
      returning j.job_id as id
    ),
    bare as materialized (
      select d.id from decision d
      cross join lateral (
        select from ${schema}.job_payloads p
        where p.job_id = d.id and p.tenant_id = $1
          and (p.payload is not null or p.result is not null)
        limit 1
        for update of p
      ) body
      where d.change = 'bodies'
    ),
    kept as (
      select id from updated union all select id from ended union all select id from revived
      union all select id from touched union all select id from bare
    ),
    bodies as materialized (
      select body.row_at, d.payload, d.payload_hash, d.erase
      from decision d join kept on kept.id = d.id
      cross join lateral (
        select p.ctid as row_at from ${schema}.job_payloads p where p.job_id = d.id limit 1
      ) body
      where d.payload is not null or d.erase
    ),
    stored as (
      update ${schema}.job_payloads p
      set payload = case when not b.erase then b.payload::json end,
        payload_hash = case when b.erase then p.payload_hash else decode(b.payload_hash, 'hex') end,
        result = case when not b.erase then p.result end
      from bodies b where p.ctid = b.row_at
    ),
    logged as (
      insert into ${schema}.event_inbox
        (occurred_at, stream_id, version, queue_id, job_type_id, type, elapsed_ms, data, actor,
         causation, correlation, tags)
      select e.at, e.stream_id, e.version, e.queue_id, e.job_type_id, e.type, e.elapsed_ms, e.data,
        $4, $5, e.correlation, e.tags
      from jsonb_to_recordset($3::jsonb) as e (stream_id uuid, version int, queue_id int,
        job_type_id int, type smallint, at timestamptz, elapsed_ms int, data jsonb, correlation text, tags text[])
      join kept on kept.id = e.stream_id
      order by e.stream_id, e.version
    )
    select coalesce(array_agg(id), '{}') as kept from kept`,
  values: ({ tenantId, decisions, events, actor, causation, isOwnTransaction }) => [
    tenantId,
    JSON.stringify(decisions),
    JSON.stringify(events),
    actor,
    causation,
    isOwnTransaction,
  ],
});
