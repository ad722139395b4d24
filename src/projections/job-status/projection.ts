import type { Consumer } from '../../consumers/consumer.ts';
import { planForRanges } from '../../consumers/statements/plan-for-ranges.ts';
import {
  applyJobStatus,
  createJobStatusIndex,
  createJobStatusTable,
  jobStatusVersion,
} from './table.ts';

/** Where every job stands: what lists of jobs read. Equal to `foldJob`, column by column. */
export const jobStatus: Consumer = {
  name: 'job-status',
  version: jobStatusVersion,
  async prepare(tx) {
    await tx.run(createJobStatusTable, {});
    await tx.run(createJobStatusIndex, {});
  },
  async apply(tx, range) {
    await tx.run(planForRanges, {});
    await tx.run(applyJobStatus, range);
  },
};
