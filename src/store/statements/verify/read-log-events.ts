import { defineStatement } from '../../statement.ts';
import { type StoredEventRow, storedEvent } from './read-stream-events.ts';

/** Events of the log by position, in a range. Locks: none. Index: events_pkey. */
export const readLogEvents = defineStatement<
  { readonly after: bigint; readonly upTo: bigint; readonly limit: number },
  StoredEventRow & { readonly position: bigint }
>({
  name: 'read-log-events',
  sql: (schema) => `
    select ${storedEvent} from ${schema}.events e
    where e.position > $1 and e.position <= $2
    order by e.position limit $3`,
  values: ({ after, upTo, limit }) => [after, upTo, limit],
});
