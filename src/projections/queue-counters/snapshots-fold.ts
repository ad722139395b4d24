import { landmarkFrom } from '../landmarks.ts';
import type { LandmarkRow, LandmarkRowFold } from '../row-fold.ts';
import { countQueues, countsOf } from './fold.ts';
import { queueCounters } from './projection.ts';
import { readCounterSnapshots } from './queries.ts';
import { counterSnapshotsName } from './table.ts';

/** The counters at landmarks, of each queue in which something was counted since the one before. */
export const counterSnapshotsFold: LandmarkRowFold = {
  scope: 'landmark',
  name: queueCounters.name,
  table: counterSnapshotsName,
  start() {
    const { queues, add } = countQueues();
    let landmark = 0n;
    let done: LandmarkRow[] = [];
    const pass = () => {
      for (const [id, { position, ...columns }] of queues) {
        if (position === null || landmarkFrom(position) !== landmark) continue;
        done.push({ position: landmark, key: keyOf(id, landmark), columns });
      }
    };
    return {
      add(event, ids) {
        const next = landmarkFrom(event.position ?? 0n);
        if (next !== landmark) pass();
        landmark = next;
        add(event, ids);
      },
      take(upTo) {
        if (landmark <= upTo) {
          pass();
          landmark = 0n;
        }
        const taken = done;
        done = [];
        return taken;
      },
    };
  },
  async read(executor, range) {
    const rows = await executor.run(readCounterSnapshots, range);
    return rows.map((row) => ({ key: keyOf(row.queue_id, row.position), columns: countsOf(row) }));
  },
};

function keyOf(queueId: number, landmark: bigint): string {
  return `${queueId} at ${landmark}`;
}
