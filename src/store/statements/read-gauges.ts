import { defineStatement } from '../statement.ts';

export interface GaugesRow {
  /** Events in the inbox, by its numbers: an upper bound, without counting. */
  readonly inbox_lag: bigint;
  readonly oldest_inbox_age_ms: number;
  readonly head_position: bigint;
  /** Age of the oldest snapshot any backend holds: what keeps dead rows from going. */
  readonly oldest_snapshot_age_ms: number;
}

/** The state of the log as a whole, without counting rows. Locks: none. */
export const readGauges = defineStatement<Record<string, never>, GaugesRow>({
  name: 'read-gauges',
  sql: (schema) => `
    select greatest(0, coalesce((
        select seq from ${schema}.event_inbox order by seq desc limit 1), 0) - h.highest_seq)
        as inbox_lag,
      coalesce((select extract(epoch from statement_timestamp() - occurred_at) * 1000
        from ${schema}.event_inbox where seq > h.highest_seq order by seq limit 1), 0)::float8
        as oldest_inbox_age_ms,
      h.position as head_position,
      coalesce((select max(extract(epoch from statement_timestamp() - a.xact_start)) * 1000
        from pg_stat_activity a
        where a.backend_xmin is not null and a.datname = current_database()), 0)::float8
        as oldest_snapshot_age_ms
    from ${schema}.log_head h`,
  values: () => [],
});
