import { defineStatement } from '../../statement.ts';

/** One thing of a schema: what it is, what it is called, and what it looks like. */
export interface ThingRow {
  readonly kind: string;
  /** Of a part of a table: the table, a dot, and the part. */
  readonly name: string;
  readonly definition: string;
}

/**
 * Every thing of the schema but partitions of the log and rows. Names of the schema itself stand in
 * definitions as Postgres puts them there. The same on all versions of Postgres from 15 to 18: it is
 * why the constraints that 18 makes of NOT NULL are left out. Locks: none.
 */
export const describeSchema = defineStatement<Record<string, never>, ThingRow>({
  name: 'describe-schema',
  sql: (schema) => `
    with relation as (
      select c.oid, c.relname as name, c.relkind, c.relpersistence, c.reloptions
      from pg_class c
      where c.relnamespace = to_regnamespace('${schema}') and not c.relispartition
        and c.relkind in ('r', 'p', 'v', 'm', 'i', 'I', 'S')
    )
    select 'table' as kind, r.name,
      concat_ws(', ',
        case r.relkind when 'p' then 'partitioned by ' || pg_get_partkeydef(r.oid) else 'plain' end,
        case when r.relpersistence <> 'p' then 'unlogged' end) as definition
    from relation r where r.relkind in ('r', 'p')
    union all
    select 'view', r.name, 'a view' from relation r where r.relkind in ('v', 'm')
    union all
    select 'column', r.name || '.' || a.attname,
      concat_ws(' ', format_type(a.atttypid, a.atttypmod),
        case when a.attnotnull then 'not null' end,
        case a.attidentity when 'a' then 'identity always' when 'd' then 'identity by default' end,
        case when a.attgenerated <> '' then 'generated' end,
        'default ' || pg_get_expr(d.adbin, d.adrelid),
        case when a.attcollation <> t.typcollation then 'collate ' || a.attcollation::regcollation end)
    from relation r
    join pg_attribute a on a.attrelid = r.oid
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where r.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
    union all
    select 'constraint', r.name || '.' || k.conname, pg_get_constraintdef(k.oid)
    from relation r
    join pg_constraint k on k.conrelid = r.oid
    where k.contype <> 'n'
    union all
    select 'index', r.name || '.' || i.name,
      pg_get_indexdef(i.oid) || case when x.indisvalid and x.indisready then '' else ' (invalid)' end
    from relation r
    join pg_index x on x.indrelid = r.oid
    join relation i on i.oid = x.indexrelid
    union all
    select 'storage', r.name,
      (select string_agg(option, ', ' order by option) from unnest(r.reloptions) as option)
    from relation r where r.reloptions is not null
    union all
    select 'trigger', r.name || '.' || g.tgname,
      pg_get_triggerdef(g.oid) || case g.tgenabled
        when 'O' then '' when 'D' then ' (disabled)' else ' (enabled for ' || g.tgenabled::text || ')' end
    from relation r
    join pg_trigger g on g.tgrelid = r.oid
    where not g.tgisinternal
    union all
    select 'sequence', r.name, format('%s from %s by %s, cache %s%s', s.seqtypid::regtype,
      s.seqstart, s.seqincrement, s.seqcache, case when s.seqcycle then ', cycles' else '' end)
    from relation r
    join pg_sequence s on s.seqrelid = r.oid
    union all
    select 'function', format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
      concat_ws(', ', 'returns ' || pg_get_function_result(p.oid), array_to_string(p.proconfig, ', '),
        case when p.prosecdef then 'security definer' end,
        coalesce('aggregate of ' || a.aggtransfn::regproc,
          'body ' || left(encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex'), 12)))
    from pg_proc p
    left join pg_aggregate a on a.aggfnoid = p.oid
    where p.pronamespace = to_regnamespace('${schema}')`,
  values: () => [],
});
