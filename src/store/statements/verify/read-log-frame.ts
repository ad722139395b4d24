import { defineStatement, exactMs } from '../../statement.ts';

/** What the head says of the log. */
export interface LogFrame {
  readonly position: bigint;
  readonly epoch: number;
  readonly recorded_at: number;
  /** When this was read. */
  readonly read_at: number;
  /** The first number of the inbox that no sequencer will ever look at; null for none. */
  readonly stranded_seq: bigint | null;
  readonly stranded_stream: string | null;
  readonly stranded_version: number | null;
}

/**
 * The head, and whether the inbox holds what it has left behind for good: a number at or below the
 * highest moved that is not listed as missing. Reads all of the inbox that is visible.
 * Locks: none. Index: event_inbox_pkey.
 */
export const readLogFrame = defineStatement<Record<string, never>, LogFrame>({
  name: 'read-log-frame',
  sql: (schema) => `
    select h.position, h.epoch, ${exactMs('h.recorded_at')} as recorded_at,
      ${exactMs('statement_timestamp()')} as read_at,
      lost.seq as stranded_seq, lost.stream_id as stranded_stream, lost.version as stranded_version
    from ${schema}.log_head h
    left join lateral (
      select i.seq, i.stream_id, i.version from ${schema}.event_inbox i
      where i.seq <= h.highest_seq and not exists (
        select from unnest(h.missing_ranges) as missing (ranges) where missing.ranges @> i.seq)
      order by i.seq limit 1
    ) lost on true`,
  values: () => [],
});

/** Batches of the sequencer, in order. Locks: none. Index: log_batches_pkey. */
export const readBatches = defineStatement<
  { readonly after: bigint; readonly limit: number },
  { last_position: bigint; recorded_at: number }
>({
  name: 'read-batches',
  sql: (schema) => `
    select last_position, ${exactMs('recorded_at')} as recorded_at from ${schema}.log_batches
    where last_position > $1 order by last_position limit $2`,
  values: ({ after, limit }) => [after, limit],
});

/** Every epoch there was, in order. Locks: none. */
export const readEpochs = defineStatement<
  Record<string, never>,
  { epoch: number; after_position: bigint }
>({
  name: 'read-epochs',
  sql: (schema) => `
    select epoch, after_position from ${schema}.log_epochs order by epoch`,
  values: () => [],
});
