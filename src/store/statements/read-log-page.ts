import { defineStatement } from '../statement.ts';
import {
  type LogPageRow,
  logPageFilter,
  logPageSql,
  logPageValues,
  type ReadLogPageParams,
} from './log-page.ts';

/**
 * A page of the log in order, of the next `scan` positions: a filter that fits nothing costs as much
 * as one that fits everything, and its reader still gets on.
 * Locks: none. Index: events_pkey of the partitions in range.
 */
export const readLogPage = defineStatement<ReadLogPageParams, LogPageRow>({
  name: 'read-log-page',
  sql: (schema) =>
    logPageSql(
      schema,
      `select e.* from ${schema}.events e
       where e.position > $2 and e.position <= $2::bigint + $10::int and ${logPageFilter(schema)}
       order by e.position limit $3`,
      '$2::bigint + $10::int',
    ),
  values: (params) => [...logPageValues(params), params.scan],
});
