import { uuidPattern } from '../../kernel/uuid.ts';
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
 * jobs, however far apart its events are. Locks: none. Indexes: events_correlation, and
 * events_stream for a chain that goes by the id of its first job; one probe each per correlation and
 * partition.
 *
 * The range is one of pairs, and so is the order: only that index has them. A plain `position >` could
 * also be had by reading everything behind the position, in order, until enough had been found.
 */
export const readLogPageOfCorrelations = defineStatement<ReadLogPageParams, LogPageRow>({
  name: 'read-log-page-of-correlations',
  sql: (schema) =>
    logPageSql(
      schema,
      `select e.* from unnest($8::text[]) as wanted (correlation)
       cross join lateral (
         (
         select * from ${schema}.events e
         where e.correlation is not null
           and (e.correlation, e.position) > (wanted.correlation, $2)
           and (e.correlation, e.position) <= (wanted.correlation, 9223372036854775807)
           and ${logPageFilter(schema, 'correlation')}
         order by e.correlation, e.position limit $3
         )
         union all
         select e.* from (
           -- The job that began the chain, where its id is what the chain goes by.
           select * from ${schema}.events e
           where e.stream_id = case when wanted.correlation ~ '${uuidPattern.source}'
             then wanted.correlation::uuid end
           order by e.version limit 2147483647
         ) e
         where e.correlation is null and e.position > $2
           and ${logPageFilter(schema, 'correlation')}
       ) e
       order by e.position limit $3`,
      'bounds.head',
    ),
  values: logPageValues,
});
