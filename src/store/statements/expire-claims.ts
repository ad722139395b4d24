import { maxCrashes } from '../../domain/job/state.ts';
import { defineStatement, elapsedBetween, now } from '../statement.ts';

/** Jobs of one queue and type that came to their end because their claims ended. */
export interface EndedByExpiry {
  readonly queue: string;
  readonly type: string;
  readonly becomes: 'dead' | 'cancelled';
  readonly count: number;
}

/**
 * Takes the jobs of ended sessions back: JobInterrupted, and then the job waits again as a suspect;
 * or is cancelled, where that was asked for; or is dead, where a suspect's marked start lapsed for
 * the fifth time. The same answers as `decideJob` gives to `expire`; a property test holds them
 * together. Answers how many were taken back, and which of them ended with it, and settles sessions that hold nothing any more.
 * Locks: sessions and claim rows FOR UPDATE SKIP LOCKED: a row that is being completed in an open
 * transaction is left for the next round. Indexes: worker_sessions_unsettled, job_claims_held.
 */
export const expireClaims = defineStatement<
  { readonly limit: number },
  { expired: number; ended: readonly EndedByExpiry[] }
>({
  name: 'expire-claims',
  prepared: true,
  sql: (schema) => `
    with clock as (select ${now} as now),
    lapsed as materialized (
      select s.id from ${schema}.worker_sessions s
      where not s.settled and (s.ended_at is not null or s.lease_until < statement_timestamp())
      order by s.id limit 1000
      for update of s skip locked
    ),
    closed as materialized (
      -- As this statement's snapshot has it: the locked row may be newer.
      select seen.id from lapsed
      cross join lateral (
        select s.id from ${schema}.worker_sessions s where s.id = lapsed.id and s.closing limit 1
      ) seen
    ),
    held as materialized (
      select c.ctid as row_at from lapsed
      cross join lateral (
        select c.ctid from ${schema}.job_claims c
        where c.session_id = lapsed.id and c.lease_token is not null
        limit $1
        for update of c skip locked
      ) c
      limit $1
    ),
    verdict as materialized (
      select c.*, c.ctid as row_at, c.suspect and c.start_marked as crashed,
        case when c.cancel_requested then 'cancelled'
             when c.suspect and c.start_marked and c.crashes + 1 >= ${maxCrashes} then 'dead'
             else 'waiting' end as becomes
      from ${schema}.job_claims c where c.ctid = any (array(select row_at from held))
    ),
    back as (
      update ${schema}.job_claims c
      set session_id = null, lease_token = null, claimed_at = null, start_marked = false,
          suspect = true, crashes = c.crashes + (c.suspect and c.start_marked)::int,
          run_at = greatest(clock.now, c.claimed_at), version = c.version + 1
      from clock
      where c.ctid = any (array(select row_at from verdict where becomes = 'waiting'))
      returning c.id
    ),
    ended as (
      delete from ${schema}.job_claims c
      where c.ctid = any (array(select row_at from verdict where becomes <> 'waiting'))
      returning c.id
    ),
    buried as (
      insert into ${schema}.dead_jobs (job_id, died_at, submitted_at, queue_id, type_id, tenant_id,
        version, timeout_ms, payload_bytes, failures, max_attempts, priority, unique_key,
        correlation, retry_policy, tags)
      select v.id, greatest(clock.now, v.claimed_at), v.submitted_at, v.queue_id, v.type_id,
        v.tenant_id, v.version + 2, v.timeout_ms, v.payload_bytes, v.failures, v.max_attempts,
        v.priority, v.unique_key, v.correlation, v.retry_policy, v.tags
      from verdict v join ended on ended.id = v.id, clock
      where v.becomes = 'dead' order by v.id
    ),
    changed as (select id from back union all select id from ended),
    logged as (
      insert into ${schema}.event_inbox
        (occurred_at, stream_id, version, queue_id, job_type_id, type, elapsed_ms, data,
         correlation, tags)
      select greatest(clock.now, v.claimed_at), v.id, v.version + e.step, v.queue_id, v.type_id,
        e.type, case when e.step = 1 then ${elapsedBetween('v.claimed_at', 'clock.now')} end,
        e.data, v.correlation, v.tags
      from verdict v join changed on changed.id = v.id, clock
      cross join lateral (values
        (1, 8, jsonb_build_object('reason', 'lease-expired')
               || case when v.crashed then '{"crashed": true}'::jsonb else '{}'::jsonb end, true),
        (2, 7, jsonb_build_object('reason', v.cancel_reason), v.becomes = 'cancelled'),
        (2, 6, jsonb_build_object('reason', 'crashes-its-worker'), v.becomes = 'dead')
      ) as e (step, type, data, wanted)
      where e.wanted
      order by v.id, e.step
      returning stream_id
    ),
    settled as (
      -- A session is settled only by a statement that began after the one that closed it was committed:
      -- its own snapshot shows it closed. A claim that was being made may have committed between this
      -- statement's snapshot and its lock, and not be visible; the lock saw its end, no later claim can
      -- begin, and so a statement that begins later sees all of them. (A second caretaker that had begun
      -- before the first one closed it must not go by the row it has locked: it orphaned such a claim.)
      update ${schema}.worker_sessions s
      set ended_at = coalesce(s.ended_at, clock.now), closing = true,
          settled = exists (select from closed where closed.id = s.id) and not exists (
            select from ${schema}.job_claims c
            where c.session_id = s.id and c.lease_token is not null
              and c.id <> all (array(select id from changed)))
      from lapsed, clock where s.id = lapsed.id
    )
    select count(*)::int as expired, (
      select coalesce(jsonb_agg(to_jsonb(e)), '[]') from (
        select (select q.name from ${schema}.queues q where q.id = v.queue_id) as queue,
          (select t.name from ${schema}.job_types t where t.id = v.type_id) as type,
          v.becomes, count(*)::int as count
        from verdict v where v.id = any (array(select id from ended))
        group by v.queue_id, v.type_id, v.becomes
      ) e) as ended
    from changed`,
  values: ({ limit }) => [limit],
});
