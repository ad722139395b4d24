import { defineStatement, now } from '../../store/statement.ts';

export interface MoveCheckpointParams {
  readonly name: string;
  readonly version: number;
  readonly after: bigint;
  readonly upTo: bigint;
}

/**
 * Moves a checkpoint, if it still stands at `after`. No row: somebody else has moved it, or is no
 * longer there. First statement of the transaction that applies the range, so of two that apply the
 * same one, the second waits here and then finds nothing to do.
 * Locks: the checkpoint row, until the end of the transaction. Index: consumer_checkpoints_pkey.
 */
export const moveCheckpoint = defineStatement<MoveCheckpointParams, { position: bigint }>({
  name: 'move-checkpoint',
  sql: (schema) => `
    update ${schema}.consumer_checkpoints set position = $4, updated_at = ${now}
    where name = $1 and version = $2 and position = $3
    returning position`,
  values: ({ name, version, after, upTo }) => [name, version, after, upTo],
});
