import { defineStatement } from '../../statement.ts';

export interface PermissionsRow {
  readonly may_use: boolean;
  readonly may_create: boolean;
  /** The role owns the log, or is a member of the role that does: partitions are attached by owners. */
  readonly owns_log: boolean;
  /** Sees what others run: the oldest snapshot, whoever holds it. */
  readonly sees_others: boolean;
  /** Tables that may not all be read and written, sequences and functions that may not be used. */
  readonly refused: string[];
}

/** What this role may do with the schema. Locks: none. */
export const readPermissions = defineStatement<Record<string, never>, PermissionsRow>({
  name: 'read-permissions',
  sql: (schema) => `
    select has_schema_privilege(n.oid, 'usage') as may_use,
      has_schema_privilege(n.oid, 'create') as may_create,
      coalesce((select pg_has_role(c.relowner, 'usage') from pg_class c
        where c.relnamespace = n.oid and c.relname = 'events'), true) as owns_log,
      pg_has_role('pg_read_all_stats', 'usage') as sees_others,
      array(
        select c.relname::text from pg_class c
        where c.relnamespace = n.oid and c.relkind in ('r', 'p') and not (
          has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
          and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete'))
        union all
        select c.relname::text from pg_class c
        where c.relnamespace = n.oid and case when c.relkind = 'S'
          then not has_sequence_privilege(c.oid, 'usage') else false end
        union all
        select p.proname || '()' from pg_proc p
        where p.pronamespace = n.oid and not has_function_privilege(p.oid, 'execute')
        order by 1
      ) as refused
    from pg_namespace n where n.oid = to_regnamespace('${schema}')`,
  values: () => [],
});
