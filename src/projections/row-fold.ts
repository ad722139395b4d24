import type { PositionRange } from '../consumers/consumer.ts';
import type { RecordedJobEvent } from '../domain/job/events.ts';
import type { JobState } from '../domain/job/state.ts';
import type { RecordedEvent } from '../store/event-codec.ts';
import type { Executor } from '../store/statement.ts';

/** A row of a read model: what tells it from others, and every other column; times in ms. */
export interface FoldedRow {
  readonly key: string;
  readonly columns: Readonly<Record<string, unknown>>;
}

/** The numbers behind names, of one tenant; null for a name that has none. */
export interface RowIds {
  readonly tenantId: number;
  queueId(name: string): number | null;
  typeId(name: string): number | null;
}

/** Ids above one and up to another. */
export interface JobRange {
  readonly after: string;
  readonly upTo: string;
}

/** A row of a read model that belongs to one job. */
export interface JobRow extends FoldedRow {
  readonly jobId: string;
}

/**
 * A table of a read model folded in TypeScript, for `verify` to compare: a second way to the same rows
 * that shares nothing with the SQL of the first. Each stands in the folder of its read model; tables
 * differ in how their rows can be found, and in how many there are.
 */
export type RowFold = JobRowFold | SettledRowFold | LogRowFold | LandmarkRowFold;

interface OfTable {
  /** The consumer's. */
  readonly name: string;
  /** What differences call the table. */
  readonly table: string;
}

/** Folds the events of one job. */
export interface JobFold {
  /** @param after the job with the event folded into it */
  add(event: RecordedJobEvent, after: JobState): void;
  rows(ids: RowIds): FoldedRow[];
}

/** Rows that each belong to one job, and follow from its events alone. */
export interface JobRowFold extends OfTable {
  readonly scope: 'job';
  /** Begins a job. */
  start(): JobFold;
  /** The stored rows of the jobs in a range. */
  read(executor: Executor, range: JobRange): Promise<JobRow[]>;
}

/**
 * Rows that each belong to one job and never change once they are written, in a table that has no index
 * by job: each is looked for by its own key, and whether there are more is told by counting.
 */
export interface SettledRowFold extends OfTable {
  readonly scope: 'settled';
  /** Begins a job. */
  start(): JobFold;
  /** For each of these rows the stored one of the same key. */
  find(executor: Executor, rows: readonly FoldedRow[]): Promise<(JobRow | undefined)[]>;
  /** Stored rows that were written for events up to a position, in the order of their keys. */
  page(executor: Executor, page: SettledPage): Promise<JobRow[]>;
}

export interface SettledPage {
  /** Null: from the first one. */
  readonly after: JobRow | null;
  readonly upTo: bigint;
  readonly limit: number;
}

/** Rows that events of many jobs add up to, in the order of the log. Kept in memory, all of them. */
export interface LogRowFold extends OfTable {
  readonly scope: 'log';
  start(): {
    /** @param recordedAtMs when the batch of the log that holds the event was written */
    add(event: RecordedEvent, ids: RowIds, recordedAtMs: number): void;
    rows(): FoldedRow[];
  };
  /** All stored rows. */
  read(executor: Executor): Promise<FoldedRow[]>;
}

/** A row that says how things were at a landmark. */
export interface LandmarkRow extends FoldedRow {
  readonly position: bigint;
}

/** What events of many jobs had added up to at landmarks: rows that are let go as the log is read. */
export interface LandmarkRowFold extends OfTable {
  readonly scope: 'landmark';
  start(): {
    add(event: RecordedEvent, ids: RowIds): void;
    /** The rows of landmarks up to a position, up to which all events were added. Each comes once. */
    take(upTo: bigint): LandmarkRow[];
  };
  /** The stored rows at the positions of a range. */
  read(executor: Executor, range: PositionRange): Promise<FoldedRow[]>;
}
