import type { Consumer } from '../../consumers/consumer.ts';
import { planForRanges } from '../../consumers/statements/plan-for-ranges.ts';
import { applyQueueCounters, createQueueCountersTable, queueCountersVersion } from './table.ts';

/** How many jobs of each queue stand where, so that nothing has to be counted on a request. */
export const queueCounters: Consumer = {
  name: 'queue-counters',
  version: queueCountersVersion,
  async prepare(tx) {
    await tx.run(createQueueCountersTable, {});
  },
  async apply(tx, range) {
    await tx.run(planForRanges, {});
    await tx.run(applyQueueCounters, range);
  },
};
