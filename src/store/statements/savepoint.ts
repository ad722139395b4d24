import { defineStatement } from '../statement.ts';

type None = Record<string, never>;

/** Marks the place in the caller's transaction to which a refused command goes back. */
export const setSavepoint = defineStatement<None, never>({
  name: 'set-savepoint',
  sql: () => 'savepoint daybook_command',
  values: () => [],
});

export const releaseSavepoint = defineStatement<None, never>({
  name: 'release-savepoint',
  sql: () => 'release savepoint daybook_command',
  values: () => [],
});

export const rollbackToSavepoint = defineStatement<None, never>({
  name: 'rollback-to-savepoint',
  sql: () => 'rollback to savepoint daybook_command',
  values: () => [],
});
