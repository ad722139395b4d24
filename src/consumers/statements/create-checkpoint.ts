import { defineStatement, now } from '../../store/statement.ts';

/**
 * Makes the checkpoint of a consumer's version, before the first position. No row: it is there.
 * Locks: the row it inserts; waits on a transaction that is making the same checkpoint.
 */
export const createCheckpoint = defineStatement<
  { readonly name: string; readonly version: number },
  { name: string }
>({
  name: 'create-checkpoint',
  sql: (schema) => `
    insert into ${schema}.consumer_checkpoints (name, version, position, updated_at)
    values ($1, $2, 0, ${now})
    on conflict (name, version) do nothing
    returning name`,
  values: ({ name, version }) => [name, version],
});
