import type { Executor } from '../store/statement.ts';

/** A stretch of the log: every position above `after`, up to and with `upTo`. */
export interface PositionRange {
  readonly after: bigint;
  readonly upTo: bigint;
}

/**
 * Reads the log in batches, from its first position on, and keeps something in tables of its own.
 * What it writes is committed together with its checkpoint, so every position counts exactly once.
 */
export interface Consumer {
  readonly name: string;
  /**
   * Goes up whenever the tables have to be built anew from the log. It is part of their names, so
   * that two versions can run side by side; each has a checkpoint of its own.
   */
  readonly version: number;
  /** Makes its tables. Called once per version, in the transaction that makes the checkpoint. */
  prepare(tx: Executor): Promise<void>;
  /** Writes what the events of the range change, in the transaction that moves the checkpoint. */
  apply(tx: Executor, range: PositionRange): Promise<void>;
}
