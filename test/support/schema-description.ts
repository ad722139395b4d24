import type pg from 'pg';

/** What a schema holds, one line per thing, in an order that does not change. */
export async function describeSchema(pool: pg.Pool, schema: string): Promise<string> {
  const parts = Object.entries(listings).map(async ([title, sql]) => {
    const { rows } = await pool.query<{ line: string }>(sql, [schema]);
    const lines = rows.map(({ line }) => line.replaceAll(`${schema}.`, '')).toSorted();
    return [`# ${title}`, ...lines, ''].join('\n');
  });
  return (await Promise.all(parts)).join('\n');
}

/** Partitions are left out: which there are hangs on how far the log is. */
const isPartition = String.raw`~ '^events_\d+'`;

const listings = {
  columns: `
    select concat_ws(' ', relname || '.' || attname, format_type(atttypid, atttypmod),
      case when attnotnull then 'not null' end, 'identity ' || nullif(attidentity::text, ''),
      'default ' || pg_get_expr(adbin, adrelid)) as line
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where relnamespace = $1::regnamespace and relkind in ('r', 'p') and attnum > 0
      and not attisdropped and not relname ${isPartition}`,
  constraints: `
    select conrelid::regclass || ' ' || pg_get_constraintdef(oid) as line from pg_constraint
    where connamespace = $1::regnamespace and contype <> 'n'
      and not conrelid::regclass::text ${isPartition}
      and not conrelid::regclass::text ~ '\\.events_\\d+$'`,
  indexes: `
    select indexdef as line from pg_indexes
    where schemaname = $1 and not tablename ${isPartition}`,
  'table settings': `
    select relname || ' ' || array_to_string(reloptions, ', ') as line from pg_class
    where relnamespace = $1::regnamespace and relkind in ('r', 'p') and reloptions is not null
      and not relname ${isPartition}`,
  triggers: `
    select pg_get_triggerdef(t.oid) as line from pg_trigger t join pg_class c on c.oid = tgrelid
    where relnamespace = $1::regnamespace and not tgisinternal and not relname ${isPartition}`,
  functions: `
    select proname || '(' || pg_get_function_arguments(oid) || ') returns '
      || pg_get_function_result(oid) || coalesce(' set ' || array_to_string(proconfig, ', '), '')
      as line
    from pg_proc where pronamespace = $1::regnamespace`,
  'event types': `select code || ' ' || name as line from daybook.event_types where $1 <> ''`,
};
