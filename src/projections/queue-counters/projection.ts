import type { Projection } from '../../consumers/consumer.ts';
import { keepQueueCounters, queueCountersTable } from './table.ts';

/** How many jobs of each queue stand where, so that nothing has to be counted on a request. */
export const queueCounters: Projection = {
  name: 'queue-counters',
  version: 1,
  tables: [queueCountersTable],
  upkeep: (place) => [keepQueueCounters(place)],
};
