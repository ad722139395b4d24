import { defineStatement, now } from '../../store/statement.ts';

/**
 * Puts the live build of a consumer back, to where it has been before, and lets it go on from there.
 * No row: it stands before that position, or is not there. Whoever reads for it finds the checkpoint
 * elsewhere, and begins anew. Locks: the checkpoint row. Index: consumer_checkpoints_role.
 */
export const restartCheckpoint = defineStatement<
  { readonly name: string; readonly position: bigint },
  { position: bigint }
>({
  name: 'restart-checkpoint',
  sql: (schema) => `
    update ${schema}.consumer_checkpoints c
    set position = $2, halted = null, failure = null, updated_at = ${now}
    where c.name = $1 and c.role = 'live' and c.position >= $2
    returning c.position`,
  values: ({ name, position }) => [name, position],
});
