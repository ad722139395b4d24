import { defineStatement, now } from '../../statement.ts';

/**
 * Makes sure that the caretaker looks at every session that holds a claim: one that it had settled,
 * seeing no claims, is open again; one that is forgotten comes back as ended. Otherwise a lease of
 * such a session would never lapse. Locks: the sessions it writes. Index: job_claims_held.
 */
export const watchSessions = defineStatement<Record<string, never>, { id: string }>({
  name: 'watch-sessions',
  sql: (schema) => `
    insert into ${schema}.worker_sessions as s (id, started_at, last_beat_at, lease_until, ended_at,
      tenant_id, lease_ms, slots, name, queues, types)
    select c.session_id, clock.now, clock.now, clock.now, clock.now, min(c.tenant_id), 1000, 1,
      'forgotten', '{}', '{}'
    from ${schema}.job_claims c, (select ${now} as now) clock
    where c.lease_token is not null and c.session_id is not null
    group by c.session_id, clock.now order by c.session_id
    on conflict (id) do update set settled = false, closing = false where s.settled
    returning id`,
  values: () => [],
});
