import { defineStatement } from '../../statement.ts';

export interface SettingsRow {
  /** 150018 for 15.18. */
  readonly version_number: number;
  readonly version: string;
  readonly database: string;
  readonly role: string;
  readonly in_recovery: boolean;
  /** ms since the epoch. */
  readonly now: number;
  readonly connections: number;
  readonly max_connections: number;
  /** As this connection has them. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The server, and the settings that Daybook depends on. Locks: none. */
export const readSettings = defineStatement<{ readonly names: readonly string[] }, SettingsRow>({
  name: 'read-settings',
  sql: () => `
    select current_setting('server_version_num')::int as version_number,
      current_setting('server_version') as version, current_database()::text as database,
      current_user::text as role, pg_is_in_recovery() as in_recovery, statement_timestamp() as now,
      (select sum(numbackends)::int from pg_stat_database) as connections,
      current_setting('max_connections')::int as max_connections,
      (select jsonb_object_agg(name, current_setting(name)) from unnest($1::text[]) as name)
        as settings`,
  values: ({ names }) => [names],
});
