import { defineStatement } from '../../statement.ts';
import { namesOf, type StoredEventRow, storedEvent } from './read-stream-events.ts';

/** An event of the log: it has its position. */
export type LogEventRow = StoredEventRow & { readonly position: bigint };

/** Events of the log by position, in a range. Locks: none. Index: events_pkey. */
export const readLogEvents = defineStatement<
  { readonly after: bigint; readonly upTo: bigint; readonly limit: number },
  LogEventRow
>({
  name: 'read-log-events',
  sql: (schema) => `
    select ${storedEvent}
    from (
      select * from ${schema}.events e where e.position > $1 and e.position <= $2
      order by e.position limit $3
    ) e ${namesOf(schema)}
    order by e.position`,
  values: ({ after, upTo, limit }) => [after, upTo, limit],
});
