import { defineStatement } from '../statement.ts';

/** Which server this is, and on which one the epoch in force was opened. */
export interface ServerRow {
  readonly system_identifier: string;
  /** 0 on a standby, which has none of its own. */
  readonly timeline: number;
  /** A standby, or a server that replays its log after a crash: nothing can be written. */
  readonly in_recovery: boolean;
  /** Null before the log was made. */
  readonly known_identifier: string | null;
  readonly known_timeline: number | null;
  /** False before the log was made, and where its head was lost. */
  readonly has_head: boolean;
}

/**
 * The identity of the server, beside the one that the newest epoch was opened on. The timeline is
 * that of the write position: the control file tells a promotion only after the next checkpoint.
 * Locks: none. Index: log_epochs_pkey.
 */
export const readServer = defineStatement<Record<string, never>, ServerRow>({
  name: 'read-server',
  sql: (schema) => `
    select control.system_identifier::text as system_identifier,
      pg_is_in_recovery() as in_recovery,
      case when pg_is_in_recovery() then 0
           else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
      end as timeline,
      newest.system_identifier as known_identifier, newest.timeline as known_timeline,
      exists (select from ${schema}.log_head) as has_head
    from pg_control_system() control
    left join lateral (
      select e.system_identifier, e.timeline from ${schema}.log_epochs e
      order by e.epoch desc limit 1
    ) newest on true`,
  values: () => [],
});
