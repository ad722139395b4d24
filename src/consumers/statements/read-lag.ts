import { defineStatement } from '../../store/statement.ts';

export interface LagRow {
  readonly name: string;
  readonly build: number;
  readonly version: number;
  readonly role: 'live' | 'building';
  readonly position: bigint;
  readonly head: bigint;
  /** Since when the first event that it has not read is in the log; 0 where it has read all. */
  readonly lag_seconds: number;
  readonly begun_at: number;
  readonly updated_at: number;
  readonly busy_ms: bigint;
  readonly halted: 'paused' | 'failed' | null;
  readonly failure: unknown;
  readonly read_model: boolean;
  readonly read_at: number;
}

/** How far behind every build is. One index probe each. Locks: none. Index: log_batches_pkey. */
export const readLag = defineStatement<Record<string, never>, LagRow>({
  name: 'read-lag',
  sql: (schema) => `
    select c.name, c.build, c.version, c.role, c.position, c.begun_at, c.updated_at, c.busy_ms,
      c.halted, c.failure, c.tables is not null as read_model, statement_timestamp() as read_at,
      coalesce(h.position, 0) as head,
      greatest(0, coalesce(
        extract(epoch from statement_timestamp() - unread.recorded_at), 0))::float8 as lag_seconds
    from ${schema}.consumer_checkpoints c
    left join ${schema}.log_head h on true
    left join lateral (
      select b.recorded_at from ${schema}.log_batches b
      where b.last_position > c.position
      order by b.last_position limit 1
    ) unread on true
    order by c.name, c.build`,
  values: () => [],
});
