import { defineStatement } from '../../statement.ts';

export interface OldSnapshotRow {
  /** For people: a process and what it does, a prepared transaction, a replication slot. */
  readonly holder: string;
  /** Null for a slot, which does not say since when. */
  readonly age_ms: number | null;
}

/** What keeps dead rows of this database from being removed, for longer than so many ms. Locks: none. */
export const listOldSnapshots = defineStatement<{ readonly olderThanMs: number }, OldSnapshotRow>({
  name: 'list-old-snapshots',
  sql: () => `
    select holder, age_ms from (
      select format('process %s (%s, %s)', a.pid,
          coalesce(nullif(a.application_name, ''), a.backend_type), a.state) as holder,
        extract(epoch from statement_timestamp() - a.xact_start)::float8 * 1000 as age_ms
      from pg_stat_activity a
      where a.datname = current_database() and a.xact_start is not null
        and (a.backend_xmin is not null or a.backend_xid is not null) and a.pid <> pg_backend_pid()
      union all
      select format('the prepared transaction %L', p.gid),
        extract(epoch from statement_timestamp() - p.prepared)::float8 * 1000
      from pg_prepared_xacts p where p.database = current_database()
    ) held
    where age_ms > $1
    union all
    select format('the replication slot %L, which nobody reads', s.slot_name), null
    from pg_replication_slots s
    where not s.active and (s.xmin is not null or s.catalog_xmin is not null)
    order by age_ms desc nulls last limit 20`,
  values: ({ olderThanMs }) => [olderThanMs],
});
