import { defineStatement } from '../../statement.ts';

/** Makes the transaction see one moment only, and write nothing. Its first statement. Locks: none. */
export const readSnapshot = defineStatement<Record<string, never>, never>({
  name: 'read-snapshot',
  sql: () => 'set transaction isolation level repeatable read, read only',
  values: () => [],
});
