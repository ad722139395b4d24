import { defineStatement } from '../statement.ts';

export interface LogHead {
  readonly tick: bigint;
  /** The last position of the log; 0n for an empty one. */
  readonly position: bigint;
  readonly epoch: number;
  readonly recorded_at: number;
  /** The highest inbox number that was moved. */
  readonly highest_seq: bigint;
  readonly span: bigint;
  /** Positions up to this one have a partition. */
  readonly partitions_until: bigint;
}

/** Where the log ends. No locks beyond reading; log_head has one row. */
export const readHead = defineStatement<Record<string, never>, LogHead>({
  name: 'read-head',
  sql: (schema) => `
    select h.tick, h.position, h.epoch, h.recorded_at, h.highest_seq, h.partition_span as span,
      h.partition_span * (
        select coalesce(max(substr(c.relname, 8)::bigint) + 1, 0)
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = '${schema}.events'::regclass) as partitions_until
    from ${schema}.log_head h`,
  values: () => [],
});
