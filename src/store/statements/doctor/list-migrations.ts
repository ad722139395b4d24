import { defineStatement, type Statement } from '../../statement.ts';

/** Whether the schema has a table of migrations, which tells whether it was ever migrated. Locks: none. */
export const hasMigrations = defineStatement<Record<string, never>, { found: boolean }>({
  name: 'has-migrations',
  sql: (schema) => `select to_regclass('${schema}.migrations') is not null as found`,
  values: () => [],
});

/** The migrations that were run, in their order. Locks: none. */
export const listMigrations: Statement<Record<string, never>, { name: string }> = defineStatement({
  name: 'list-migrations',
  sql: (schema) => `select name from ${schema}.migrations order by id`,
  values: () => [],
});
