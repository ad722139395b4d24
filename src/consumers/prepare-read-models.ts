import type { Database } from '../store/database.ts';
import type { Consumer } from './consumer.ts';
import { createCheckpoint } from './statements/create-checkpoint.ts';

/**
 * Makes the tables and checkpoints of consumers that have none yet. Called after the migrations;
 * idempotent. Safe in many processes at once: the checkpoint's row and the tables are born in one
 * transaction, and whoever would make the same row waits for it and then finds all there.
 */
export async function prepareReadModels(
  database: Database,
  consumers: readonly Consumer[],
): Promise<void> {
  for (const consumer of consumers) {
    const { name, version } = consumer;
    await database.transaction(async (tx) => {
      const created = await tx.run(createCheckpoint, { name, version });
      if (created.length > 0) await consumer.prepare(tx);
    });
  }
}
