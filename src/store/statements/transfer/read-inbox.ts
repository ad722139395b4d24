import { defineStatement } from '../../statement.ts';

/**
 * The last number in the inbox, and how many events up to a number are still there. Reads all of the
 * inbox that is visible. Locks: none. Index: event_inbox_pkey.
 */
export const readInbox = defineStatement<
  { readonly upTo: bigint },
  { last: bigint | null; waiting: number }
>({
  name: 'read-inbox',
  sql: (schema) => `
    select max(seq) as last, count(*) filter (where seq <= $1)::int as waiting
    from ${schema}.event_inbox`,
  values: ({ upTo }) => [upTo],
});
