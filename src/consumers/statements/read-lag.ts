import { defineStatement } from '../../store/statement.ts';

export interface LagRow {
  readonly name: string;
  readonly version: number;
  readonly position: bigint;
  readonly head: bigint;
  /** Since when the first event that it has not read is in the log; 0 where it has read all. */
  readonly lag_seconds: number;
  readonly updated_at: number;
}

/** How far behind every consumer is. One index probe each. Locks: none. Index: log_batches_pkey. */
export const readLag = defineStatement<Record<string, never>, LagRow>({
  name: 'read-lag',
  sql: (schema) => `
    select c.name, c.version, c.position, c.updated_at, coalesce(h.position, 0) as head,
      greatest(0, coalesce(
        extract(epoch from statement_timestamp() - unread.recorded_at), 0))::float8 as lag_seconds
    from ${schema}.consumer_checkpoints c
    left join ${schema}.log_head h on true
    left join lateral (
      select b.recorded_at from ${schema}.log_batches b
      where b.last_position > c.position
      order by b.last_position limit 1
    ) unread on true
    order by c.name, c.version`,
  values: () => [],
});
