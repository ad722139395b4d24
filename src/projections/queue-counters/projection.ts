import type { Projection } from '../../consumers/consumer.ts';
import { counterSnapshotsTable, keepQueueCounters, queueCountersTable } from './table.ts';

/**
 * How many jobs of each queue stand where, and stood at each landmark, so that nothing has to be
 * counted on a request.
 */
export const queueCounters: Projection = {
  name: 'queue-counters',
  version: 2,
  tables: [queueCountersTable, counterSnapshotsTable],
  upkeep: (place) => [keepQueueCounters(place)],
};
