import { defineStatement } from '../../store/statement.ts';

export interface ColumnRow {
  /** As the table was named in the parameters. */
  readonly table_name: string;
  /** The column's name, quoted where it must be. */
  readonly name: string;
  readonly type: string;
}

/** The columns of tables of the schema, in their order. Locks: none. */
export const listColumns = defineStatement<{ readonly tables: readonly string[] }, ColumnRow>({
  name: 'list-columns',
  sql: (schema) => `
    select t.name as table_name, quote_ident(a.attname) as name,
      format_type(a.atttypid, a.atttypmod) as type
    from unnest($1::text[]) as t (name)
    join pg_attribute a on a.attrelid = to_regclass('${schema}.' || quote_ident(t.name))
    where a.attnum > 0 and not a.attisdropped
    order by t.name, a.attnum`,
  values: ({ tables }) => [tables],
});
