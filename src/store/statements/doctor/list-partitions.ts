import { defineStatement } from '../../statement.ts';

export interface PartitionRow {
  readonly name: string;
  /** As Postgres writes it: FOR VALUES FROM ('1') TO ('65537'). */
  readonly bounds: string;
  /** Triggers that are there and switched on. */
  readonly triggers: string[];
}

/** The partitions of the log, by their first position. Locks: none. */
export const listPartitions = defineStatement<Record<string, never>, PartitionRow>({
  name: 'list-partitions',
  sql: (schema) => `
    select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bounds,
      array(select g.tgname::text from pg_trigger g
        where g.tgrelid = c.oid and not g.tgisinternal and g.tgenabled in ('O', 'A')
        order by g.tgname) as triggers
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = to_regclass('${schema}.events')
    order by length(c.relname), c.relname`,
  values: () => [],
});
