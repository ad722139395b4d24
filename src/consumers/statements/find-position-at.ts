import { defineStatement } from '../../store/statement.ts';

/** The last position recorded before a time; 0 for a time before the log. Index: log_batches_time. */
export const findPositionAt = defineStatement<{ readonly atMs: number }, { position: bigint }>({
  name: 'find-position-at',
  sql: (schema) => `
    select coalesce((
      select b.last_position from ${schema}.log_batches b
      where b.recorded_at < to_timestamp($1::float8 / 1000)
      order by b.recorded_at desc, b.last_position desc limit 1), 0) as position`,
  values: ({ atMs }) => [atMs],
});
