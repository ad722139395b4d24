import type { Projection } from '../../consumers/consumer.ts';
import { jobSpansTable } from '../job-spans/table.ts';
import { keepPlainJobs } from './statements/keep-plain-jobs.ts';
import { keepToldJobs } from './statements/keep-told-jobs.ts';
import { jobStatusTable } from './table.ts';

/**
 * Where every job stands, and where it stood before: what lists of jobs read. Equal to `foldJob`,
 * column by column.
 */
export const jobStatus: Projection = {
  name: 'job-status',
  version: 4,
  tables: [jobStatusTable, jobSpansTable],
  upkeep: (place) => [keepPlainJobs(place), keepToldJobs(place)],
};
