import { defineStatement } from '../statement.ts';
import {
  type LogPageRow,
  logPageFilter,
  logPageSql,
  logPageValues,
  type ReadLogPageParams,
} from './log-page.ts';

/**
 * A page of the log that holds what belongs to a few correlations only: the whole chain of work across
 * jobs, however far apart its events are. Locks: none. Index: events_correlation, one probe per
 * correlation and partition.
 */
export const readLogPageOfCorrelations = defineStatement<ReadLogPageParams, LogPageRow>({
  name: 'read-log-page-of-correlations',
  sql: (schema) =>
    logPageSql(
      schema,
      `select e.* from unnest($8::text[]) as wanted (correlation)
       cross join lateral (
         select * from ${schema}.events e
         where e.correlation = wanted.correlation and e.position > $2 and ${logPageFilter(schema, 'correlation')}
         order by e.position limit $3
       ) e
       order by e.position limit $3`,
      'bounds.head',
    ),
  values: logPageValues,
});
