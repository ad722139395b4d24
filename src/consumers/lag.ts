import type { Executor } from '../store/statement.ts';
import { readLag } from './statements/read-lag.ts';

/** How far a consumer is behind the log. */
export interface ConsumerLag {
  readonly name: string;
  readonly version: number;
  /** The last position it has read. */
  readonly position: bigint;
  /** The last position of the log. */
  readonly head: bigint;
  readonly lagEvents: bigint;
  /** For how long the first event that it has not read has been in the log; 0 when there is none. */
  readonly lagSeconds: number;
  /** When it last moved, in ms since the epoch by the database's clock. */
  readonly updatedAtMs: number;
}

/** The lag of every consumer that has a checkpoint, by name and version. */
export async function listLags(database: Executor): Promise<ConsumerLag[]> {
  const rows = await database.run(readLag, {});
  return rows.map((row) => ({
    name: row.name,
    version: row.version,
    position: row.position,
    head: row.head,
    lagEvents: row.head - row.position,
    lagSeconds: row.lag_seconds,
    updatedAtMs: row.updated_at,
  }));
}
