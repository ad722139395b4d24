import { defineStatement } from '../statement.ts';

/**
 * Makes partition k of the log, unless it is there. Locks: SHARE UPDATE EXCLUSIVE on events, and an
 * advisory lock until the end of the transaction.
 */
export const addPartition = defineStatement<
  { readonly k: bigint; readonly span: bigint },
  { made: boolean }
>({
  name: 'add-partition',
  sql: (schema) => `select ${schema}.add_event_partition($1, $2) as made`,
  values: ({ k, span }) => [k, span],
});
