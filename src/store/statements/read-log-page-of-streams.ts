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
 */
export const readLogPageOfStreams = defineStatement<ReadLogPageParams, LogPageRow>({
  name: 'read-log-page-of-streams',
  sql: (schema) =>
    logPageSql(
      schema,
      `select e.* from unnest($9::uuid[]) as wanted (stream_id)
       cross join lateral (
         select * from ${schema}.events e
         where e.stream_id = wanted.stream_id and e.position > $2 and ${logPageFilter(schema, 'stream')}
         order by e.version limit $3
       ) e
       order by e.position limit $3`,
      'bounds.head',
    ),
  values: logPageValues,
});
