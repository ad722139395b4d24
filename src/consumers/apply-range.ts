import type { Database } from '../store/database.ts';
import type { Consumer, PositionRange } from './consumer.ts';
import { moveCheckpoint } from './statements/move-checkpoint.ts';

/**
 * Lets a consumer apply a range that begins at its checkpoint: both or neither, in one transaction.
 * Answers false, with nothing done, where the checkpoint stands elsewhere by now.
 */
export async function applyRange(
  database: Database,
  consumer: Consumer,
  range: PositionRange,
): Promise<boolean> {
  const { name, version } = consumer;
  return database.transaction(async (tx) => {
    const moved = await tx.run(moveCheckpoint, { name, version, ...range });
    if (moved.length === 0) return false;
    await consumer.apply(tx, range);
    return true;
  });
}
