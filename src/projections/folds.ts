import { jobStatusFold } from './job-status/fold.ts';
import { queueCountersFold } from './queue-counters/fold.ts';
import type { RowFold } from './row-fold.ts';

/** How `verify` folds every read model there is. */
export const folds: readonly RowFold[] = [jobStatusFold, queueCountersFold];
