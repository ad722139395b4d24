import type { Client, Database } from '../../store/database.ts';
import type { Executor } from '../../store/statement.ts';
import type { PositionRange } from '../consumer.ts';
import { moveCheckpoint } from '../statements/move-checkpoint.ts';

/** What one build does with a range of the log. */
export interface BuildReader {
  readonly name: string;
  readonly build: number;
  /** How long its transaction may go without a statement; default that of `Transactor`. */
  readonly idleMs?: number;
  /** Writes what the events of the range change, in the transaction that moves the checkpoint. */
  apply(transaction: ReadingTransaction, range: PositionRange, mode: ReadingMode): Promise<void>;
}

export interface ReadingMode {
  /** An earlier version has read these events already. */
  readonly replaying: boolean;
  /** Time spent on this build since its last range, in ms. */
  readonly busyMs: number;
}

export interface ReadingTransaction {
  readonly tx: Executor;
  readonly client: Client;
}

/**
 * Lets a build apply a range that begins at its checkpoint: both or neither, in one transaction.
 * Answers false, with nothing done, where the checkpoint stands elsewhere by now.
 */
export async function applyRange(
  database: Database,
  reader: BuildReader,
  range: PositionRange,
  mode: ReadingMode = { replaying: false, busyMs: 0 },
): Promise<boolean> {
  return database.transaction(
    (tx, client) => applyInTransaction({ tx, client }, reader, range, mode),
    reader.idleMs,
  );
}

export async function applyInTransaction(
  transaction: ReadingTransaction,
  reader: BuildReader,
  range: PositionRange,
  mode: ReadingMode,
): Promise<boolean> {
  const { name, build } = reader;
  const { busyMs } = mode;
  const moved = await transaction.tx.run(moveCheckpoint, { name, build, ...range, busyMs });
  if (moved.length === 0) return false;
  await reader.apply(transaction, range, mode);
  return true;
}
