import { defineStatement, elapsedBetween, now } from '../statement.ts';

export interface ClaimJobsParams {
  readonly tenantId: number;
  readonly queueId: number;
  readonly session: string;
  /** Suspects are claimed alone, by a call of their own. */
  readonly suspects: boolean;
  readonly limit: number;
  /** Payload bytes at the most; the first job comes whatever its size. */
  readonly maxBytes: number;
  /** Where to start looking, per priority 0 to 9: ms since the epoch, 0 for the front. */
  readonly cursorsMs: readonly number[];
}

export interface ClaimedJobRow {
  readonly id: string;
  readonly lease_token: string;
  readonly type_id: number;
  readonly version: number;
  readonly failures: number;
  readonly max_attempts: number;
  readonly priority: number;
  readonly timeout_ms: number | null;
  readonly suspect: boolean;
  readonly run_at: number;
  readonly submitted_at: number;
  readonly claimed_at: number;
  readonly correlation: string | null;
  readonly tags: string[] | null;
  readonly payload_bytes: number;
  readonly payload: unknown;
}

/**
 * Claims due jobs of a queue for a session, appends JobClaimed, and returns what handlers need.
 * One probe per priority, each stopping at the first job that is not due: jobs for later never stand
 * in the way. The outer limit ends the probes as soon as enough is found.
 * Locks: FOR KEY SHARE on the session (beats go on, the caretaker that would end it does not, so no
 * claim is born under a dead session); claim rows FOR UPDATE SKIP LOCKED.
 * Indexes: job_claims_waiting; rows are updated by ctid, so no statistics can choose another way.
 */
export const claimJobs = defineStatement<ClaimJobsParams, ClaimedJobRow>({
  name: 'claim-jobs',
  prepared: true,
  sql: (schema) => `
    with session as materialized (
      select s.id from ${schema}.worker_sessions s
      where s.id = $2 and s.tenant_id = $7 and s.ended_at is null and s.lease_until > statement_timestamp()
      for key share of s
    ),
    open_queue as materialized (
      select q.id from ${schema}.queues q, session
      where q.id = $1 and q.tenant_id = $7 and not q.paused
    ),
    due as materialized (
      select job.row_at, job.payload_bytes
      from open_queue
      cross join unnest($6::float8[]) with ordinality as probe (cursor_ms, place)
      cross join lateral (
        select c.ctid as row_at, c.payload_bytes from ${schema}.job_claims c
        where c.queue_id = open_queue.id and c.suspect = $3 and c.priority = probe.place - 1
          and c.lease_token is null
          and c.run_at >= to_timestamp(probe.cursor_ms / 1000)
          and c.run_at <= statement_timestamp()
        order by c.run_at, c.id
        limit $4
        for update of c skip locked
      ) job
      limit $4
    ),
    fitting as materialized (
      select row_at from (
        select row_at, sum(payload_bytes) over (rows unbounded preceding) - payload_bytes as before
        from due
      ) sized
      where before < $5
    ),
    claimed as (
      update ${schema}.job_claims c
      set session_id = $2, lease_token = gen_random_uuid(), claimed_at = greatest(${now}, c.run_at),
          version = c.version + 1, start_marked = false
      where c.ctid = any (array(select row_at from fitting))
      returning c.*
    ),
    logged as (
      insert into ${schema}.event_inbox
        (occurred_at, stream_id, version, queue_id, job_type_id, type, elapsed_ms, data,
         correlation, tags)
      select claimed_at, id, version, queue_id, type_id, 2,
        ${elapsedBetween('run_at', 'claimed_at')},
        jsonb_build_object('attempt', failures + 1, 'session', session_id,
                           'leaseToken', lease_token),
        correlation, tags
      from claimed order by id
    )
    select c.id, c.lease_token, c.type_id, c.version, c.failures, c.max_attempts, c.priority,
      c.timeout_ms, c.suspect, c.run_at, c.submitted_at, c.claimed_at, c.correlation, c.tags,
      c.payload_bytes, body.payload
    from claimed c
    cross join lateral (
      select p.payload from ${schema}.job_payloads p where p.job_id = c.id limit 1
    ) body
    order by c.priority, c.run_at, c.id`,
  values: ({ tenantId, queueId, session, suspects, limit, maxBytes, cursorsMs }) => [
    queueId,
    session,
    suspects,
    limit,
    maxBytes,
    cursorsMs,
    tenantId,
  ],
});
