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

/**
 * A read model folded in TypeScript, for `verify` to compare with its tables: a second way to the same
 * rows that shares nothing with the SQL of the first. Each stands in `fold.ts` of its read model.
 */
export type RowFold = JobRowFold | LogRowFold;

/** Rows that each belong to one job, and follow from its events alone. */
export interface JobRowFold {
  readonly scope: 'job';
  /** The consumer's. */
  readonly name: string;
  /** What differences call the table. */
  readonly table: string;
  /** Begins a job. */
  start(): {
    /** @param after the job with the event folded into it */
    add(event: RecordedJobEvent, after: JobState): void;
    rows(ids: RowIds): FoldedRow[];
  };
  /** The stored rows of the jobs in a range. */
  read(executor: Executor, range: JobRange): Promise<(FoldedRow & { readonly jobId: string })[]>;
}

/** Rows that events of many jobs add up to, in the order of the log. Kept in memory, all of them. */
export interface LogRowFold {
  readonly scope: 'log';
  readonly name: string;
  readonly table: string;
  start(): {
    add(event: RecordedEvent, ids: RowIds): void;
    rows(): FoldedRow[];
  };
  /** All stored rows. */
  read(executor: Executor): Promise<FoldedRow[]>;
}
