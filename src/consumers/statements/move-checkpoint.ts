import { defineStatement, now } from '../../store/statement.ts';

export interface MoveCheckpointParams {
  readonly name: string;
  readonly build: number;
  readonly after: bigint;
  readonly upTo: bigint;
  /** Of the log that was read, where that was before this transaction; left out: it is read in it. */
  readonly epoch?: number;
  /** Time since the last move that was spent on this build, in ms. */
  readonly busyMs: number;
}

/**
 * Moves a checkpoint, if it still stands at `after`. No row: somebody else has moved it, halted it or
 * ended it, or the log is another one by now, or shorter, as after a failover that lost its end. First statement of the transaction that applies the range, so of two that apply the same
 * one, the second waits here and then finds nothing to do.
 * Locks: the checkpoint row, until the end of the transaction. Index: consumer_checkpoints_pkey.
 */
export const moveCheckpoint = defineStatement<MoveCheckpointParams, { position: bigint }>({
  name: 'move-checkpoint',
  prepared: true,
  sql: (schema) => `
    update ${schema}.consumer_checkpoints
    set position = $4, updated_at = ${now}, busy_ms = busy_ms + $5, failure = null
    where name = $1 and build = $2 and position = $3 and halted is null
      and exists (select from ${schema}.log_head h
                  where h.position >= $4 and h.epoch = coalesce($6::int, h.epoch))
    returning position`,
  values: ({ name, build, after, upTo, busyMs, epoch = null }) => [
    name,
    build,
    after,
    upTo,
    Math.round(busyMs),
    epoch,
  ],
});
