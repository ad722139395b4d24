import { defineStatement } from '../statement.ts';
import {
  type LogPageRow,
  logPageFilter,
  logPageSql,
  logPageValues,
  type ReadLogPageParams,
} from './log-page.ts';

/**
 * A page of the log that holds events of a few streams only; leads straight to them, however far apart
 * they are. Locks: none. Index: events_stream, one probe per stream and partition.
 *
 * The position stands outside of the probe: inside, it would be a second way to the events, by which
 * the planner read everything behind it when statistics said that there was nothing.
 */
export const readLogPageOfStreams = defineStatement<ReadLogPageParams, LogPageRow>({
  name: 'read-log-page-of-streams',
  sql: (schema) =>
    logPageSql(
      schema,
      `select e.* from unnest($9::uuid[]) as wanted (stream_id)
       cross join lateral (
         select * from ${schema}.events e where e.stream_id = wanted.stream_id
         -- The order of events_stream, and a limit that is never reached: a probe, and no join.
         order by e.version limit 2147483647
       ) e
       where e.position > $2 and ${logPageFilter(schema, 'stream')}
       order by e.position limit $3`,
      'bounds.head',
    ),
  values: logPageValues,
});
