import type { Projection } from '../consumers/consumer.ts';
import { failureGroups } from './failure-groups/projection.ts';
import { jobMetrics } from './job-metrics/projection.ts';
import { jobStatus } from './job-status/projection.ts';
import { queueCounters } from './queue-counters/projection.ts';

/** Every read model there is. */
export const projections: readonly Projection[] = [
  jobStatus,
  queueCounters,
  jobMetrics,
  failureGroups,
];
