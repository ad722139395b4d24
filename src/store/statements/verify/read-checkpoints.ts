import { defineStatement } from '../../statement.ts';

/** How far the live build of every read model has read. Locks: none. */
export const readCheckpoints = defineStatement<
  Record<string, never>,
  { name: string; version: number; position: bigint }
>({
  name: 'read-checkpoints',
  sql: (schema) => `
    select name, version, position from ${schema}.consumer_checkpoints where role = 'live'`,
  values: () => [],
});
