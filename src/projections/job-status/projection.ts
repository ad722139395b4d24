import type { Projection } from '../../consumers/consumer.ts';
import { jobStatusTable, keepJobStatus } from './table.ts';

/** Where every job stands: what lists of jobs read. Equal to `foldJob`, column by column. */
export const jobStatus: Projection = {
  name: 'job-status',
  version: 2,
  tables: [jobStatusTable],
  upkeep: (place) => [keepJobStatus(place)],
};
