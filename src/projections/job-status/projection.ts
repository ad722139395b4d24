import type { Projection } from '../../consumers/consumer.ts';
import { jobSpansTable } from '../job-spans/table.ts';
import { jobStatusTable, keepJobStatus } from './table.ts';

/**
 * Where every job stands, and where it stood before: what lists of jobs read. Equal to `foldJob`,
 * column by column.
 */
export const jobStatus: Projection = {
  name: 'job-status',
  version: 3,
  tables: [jobStatusTable, jobSpansTable],
  upkeep: (place) => [keepJobStatus(place)],
};
