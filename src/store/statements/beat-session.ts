import { defineStatement, now } from '../statement.ts';

export interface BeatRow {
  readonly lease_until: number;
  /** Jobs of this session that were asked to cancel. */
  readonly cancel_requested: string[];
}

/**
 * One beat for all the jobs a process holds. No row: the session has ended, and its jobs are lost.
 * (Beating job rows instead let one job in an open transaction expire 99 healthy siblings.)
 * Locks: the session row, FOR NO KEY UPDATE, which claims do not wait for. Index: job_claims_held.
 */
export const beatSession = defineStatement<
  { readonly tenantId: number; readonly session: string },
  BeatRow
>({
  name: 'beat-session',
  prepared: true,
  sql: (schema) => `
    with beaten as (
      update ${schema}.worker_sessions
      set last_beat_at = ${now}, lease_until = ${now} + lease_ms * interval '1 ms'
      where id = $2 and tenant_id = $1 and ended_at is null
      returning id, lease_until
    )
    select b.lease_until, coalesce((
      select array_agg(c.id) from ${schema}.job_claims c
      where c.session_id = b.id and c.lease_token is not null and c.cancel_requested
    ), '{}') as cancel_requested
    from beaten b`,
  values: ({ tenantId, session }) => [tenantId, session],
});
