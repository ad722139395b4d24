import type { Projection } from '../../consumers/consumer.ts';
import { jobMetricsTable, keepJobMetrics } from './table.ts';

/** What happened in each minute, hour and day, by queue and type, and how long jobs waited and ran. */
export const jobMetrics: Projection = {
  name: 'job-metrics',
  version: 1,
  // Charts can wait: a larger batch writes each row of a minute or a group less often.
  everyMs: 250,
  tables: [jobMetricsTable],
  upkeep: (place) => [keepJobMetrics(place)],
};
