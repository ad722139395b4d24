import { defineStatement } from '../statement.ts';

export type ResolveMomentParams = { readonly position: bigint } | { readonly timeMs: number };

export interface MomentRow {
  /** The last position of the log; 0 for an empty one. */
  readonly head: bigint;
  /** The database's time of the reading, in ms. */
  readonly read_at: number;
  /** Of the batch that was looked for; null where there is none. */
  readonly last_position: bigint | null;
  readonly recorded_at: number | null;
}

/**
 * The batch that a moment falls into: the one that brought a position into the log, or the last one
 * recorded at or before a time. Locks: none. Indexes: log_batches_pkey, log_batches_time.
 */
export const resolveMoment = defineStatement<ResolveMomentParams, MomentRow>({
  name: 'resolve-moment',
  sql: (schema) => `
    select coalesce(h.position, 0) as head, statement_timestamp() as read_at,
      batch.last_position, batch.recorded_at
    from (values (1)) as one (row)
    left join ${schema}.log_head h on true
    left join lateral (
      (select b.last_position, b.recorded_at from ${schema}.log_batches b
        where b.last_position >= $1::bigint
        order by b.last_position limit 1)
      union all
      (select b.last_position, b.recorded_at from ${schema}.log_batches b
        where b.recorded_at <= to_timestamp($2::float8 / 1000)
        order by b.recorded_at desc, b.last_position desc limit 1)
      limit 1
    ) batch on true`,
  values: (at) => ('position' in at ? [at.position, null] : [null, at.timeMs]),
});
