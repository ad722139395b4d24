import { defineStatement } from '../../store/statement.ts';

/** Makes a build the live one, after the one before was ended. Locks: its checkpoint row. */
export const makeLive = defineStatement<{ readonly name: string; readonly build: number }, never>({
  name: 'make-live',
  sql: (schema) => `
    update ${schema}.consumer_checkpoints set role = 'live' where name = $1 and build = $2`,
  values: ({ name, build }) => [name, build],
});
