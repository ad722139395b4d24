import { defineStatement, type Statement } from '../../statement.ts';

/** Which of the tables that can be made anew are not there. Locks: none. */
export const findMissingTables = defineStatement<Record<string, never>, { missing: string }>({
  name: 'find-missing-tables',
  sql: (schema) => `
    select missing from unnest(array['job_claims', 'dead_jobs']) as missing
    where to_regclass('${schema}.' || missing) is null`,
  values: () => [],
});

/** Moves a table, with its indexes, here from another schema. Locks: the table ACCESS EXCLUSIVE. */
export function adoptTable(from: string, table: string): Statement<Record<string, never>, never> {
  return defineStatement({
    name: `adopt-table-${from}-${table}`,
    sql: (schema) => `alter table ${from}.${table} set schema ${schema}`,
    values: () => [],
  });
}

/** Drops a schema and all that is in it. */
export function dropSchema(name: string): Statement<Record<string, never>, never> {
  return defineStatement({
    name: `drop-schema-${name}`,
    sql: () => `drop schema if exists ${name} cascade`,
    values: () => [],
  });
}
