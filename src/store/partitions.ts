import type { Executor } from './statement.ts';
import { addPartition } from './statements/add-partition.ts';
import { type LogHead, readHead } from './statements/read-head.ts';

/** How many positions ahead of the head a partition must exist. */
const AHEAD = 100_000n;

/** The head of a log that was made. */
async function readLogHead(database: Executor): Promise<LogHead> {
  const [head] = await database.run(readHead, {});
  if (head === undefined) throw new Error('The log has no head although it was just made.');
  return head;
}

/** True when the next batches might not find a partition. */
export function needsPartitions(position: bigint, partitionsUntil: bigint): boolean {
  return position + AHEAD > partitionsUntil;
}

/** Makes the partitions ahead of the head that there are not yet; answers the head. */
export async function makePartitions(database: Executor): Promise<LogHead> {
  const head = await readLogHead(database);
  const { span, partitions_until: made, position } = head;
  if (!needsPartitions(position, made)) return head;
  const first = made === 0n ? position / span : made / span;
  for (let k = first; k * span < position + AHEAD; k += 1n) {
    await database.run(addPartition, { k, span });
  }
  return readLogHead(database);
}
