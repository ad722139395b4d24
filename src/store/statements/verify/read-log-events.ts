import { defineStatement, exactMs } from '../../statement.ts';
import { namesOf, type StoredEventRow, storedEvent } from './read-stream-events.ts';

/** An event of the log: it has its position, and a batch it came with. */
export interface LogEventRow extends StoredEventRow {
  readonly position: bigint;
  /** When its batch was written. */
  readonly recorded_at: number | null;
}

/** Events of the log by position, in a range. Locks: none. Indexes: events_pkey, log_batches_pkey. */
export const readLogEvents = defineStatement<
  { readonly after: bigint; readonly upTo: bigint; readonly limit: number },
  LogEventRow
>({
  name: 'read-log-events',
  sql: (schema) => `
    select ${storedEvent}, (
        select ${exactMs('b.recorded_at')} from ${schema}.log_batches b
        where b.last_position >= e.position order by b.last_position limit 1) as recorded_at
    from (
      select * from ${schema}.events e where e.position > $1 and e.position <= $2
      order by e.position limit $3
    ) e ${namesOf(schema)}
    order by e.position`,
  values: ({ after, upTo, limit }) => [after, upTo, limit],
});
