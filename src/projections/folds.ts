import { failureGroupsFold } from './failure-groups/fold.ts';
import { jobMetricsFold } from './job-metrics/fold.ts';
import { jobSpansFold } from './job-spans/fold.ts';
import { jobStatusFold } from './job-status/fold.ts';
import { queueCountersFold } from './queue-counters/fold.ts';
import { counterSnapshotsFold } from './queue-counters/snapshots-fold.ts';
import type { RowFold } from './row-fold.ts';

/** How `verify` folds every table of every read model. */
export const folds: readonly RowFold[] = [
  jobStatusFold,
  jobSpansFold,
  queueCountersFold,
  counterSnapshotsFold,
  jobMetricsFold,
  failureGroupsFold,
];
