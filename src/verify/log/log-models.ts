import { landmarkBefore, landmarkSpan } from '../../projections/landmarks.ts';
import type { FoldedRow, LandmarkRowFold, LogRowFold } from '../../projections/row-fold.ts';
import type { Database } from '../../store/database.ts';
import type { RecordedEvent } from '../../store/event-codec.ts';
import type { Executor } from '../../store/statement.ts';
import type { LogEventRow } from '../../store/statements/verify/read-log-events.ts';
import { atOneMoment } from '../checkpoints.ts';
import { compareRow } from '../compare-rows.ts';
import type { NameDirectory } from '../name-directory.ts';
import type { Findings } from '../report.ts';

/** Something that reads the log in order, as far as it may. */
export interface Reader {
  /** Up to here it has read, */
  seen: bigint;
  /** and up to here it may. */
  limit: bigint;
  take(row: LogEventRow, event: RecordedEvent | undefined): void;
}

/** How a table is folded in the order of the log. */
export type LogFold = LogRowFold | LandmarkRowFold;

/** A table that is folded while the log is read. */
export interface Model {
  readonly fold: LogFold;
  readonly reader: Reader;
  /** Begins at the first event again. */
  restart(): void;
  /**
   * Compares the stored rows with those that follow from what was read; of rows at landmarks, those up
   * to a position.
   * @param upTo null for all there are, which the last comparison of a run is
   */
  compare(executor: Executor, upTo: bigint | null): Promise<void>;
  /** Whether so many rows at landmarks wait that they should be compared. */
  isFull(): boolean;
  /** Stored rows that were compared. */
  rows(): number;
}

/** Landmarks of which rows are kept at the most, before they are compared: a million events. */
const LANDMARKS_KEPT = 64n;

const maxPosition = 2n ** 63n - 1n;

export function openModel(fold: LogFold, directory: NameDirectory, findings: Findings): Model {
  return fold.scope === 'log'
    ? openLogModel(fold, directory, findings)
    : openLandmarkModel(fold, directory, findings);
}

function openLogModel(fold: LogRowFold, directory: NameDirectory, findings: Findings): Model {
  let running = fold.start();
  let rows = 0;
  const reader: Reader = {
    seen: 0n,
    limit: 0n,
    take(row, event) {
      if (event === undefined) return;
      running.add(event, directory.idsOf(row.tenant_id), row.recorded_at ?? 0);
    },
  };
  return {
    fold,
    reader,
    restart() {
      running = fold.start();
      reader.seen = 0n;
    },
    async compare(executor) {
      const found = await fold.read(executor);
      rows = found.length;
      compareAll(findings, fold.table, running.rows(), found);
    },
    isFull: () => false,
    rows: () => rows,
  };
}

function openLandmarkModel(
  fold: LandmarkRowFold,
  directory: NameDirectory,
  findings: Findings,
): Model {
  let running = fold.start();
  /** Up to here rows were compared. A build that took the place of another has the same. */
  let compared = 0n;
  let rows = 0;
  const reader: Reader = {
    seen: 0n,
    limit: 0n,
    take(row, event) {
      if (event !== undefined) running.add(event, directory.idsOf(row.tenant_id));
    },
  };
  return {
    fold,
    reader,
    restart() {
      running = fold.start();
      reader.seen = 0n;
    },
    async compare(executor, upTo) {
      const passed = landmarkBefore(upTo ?? reader.seen);
      const expected = running.take(passed).filter(({ position }) => position > compared);
      const after = compared === 0n ? -maxPosition : compared;
      const range = { after, upTo: upTo === null ? maxPosition : passed };
      const found = await fold.read(executor, range);
      rows += found.length;
      compareAll(findings, fold.table, expected, found);
      if (passed > compared) compared = passed;
    },
    isFull: () => reader.seen - compared > LANDMARKS_KEPT * landmarkSpan,
    rows: () => rows,
  };
}

/** Compares rows at landmarks of which many wait, while the log is read. */
export async function compareLandmarks(
  database: Database,
  models: readonly Model[],
): Promise<void> {
  for (const model of models) {
    const { seen } = model.reader;
    if (!model.isFull()) continue;
    await atOneMoment(database, [model.fold], async ({ tx, checkpoints }) => {
      // Otherwise the next page tries again: another build has taken the place of the one read along.
      const position = checkpoints.get(model.fold.name) ?? 0n;
      if (position >= seen) await model.compare(tx, seen);
    });
  }
}

/** Compares what is left of every table, at the moment that ends the run; answers their rows. */
export async function compareModels(
  tx: Executor,
  models: readonly Model[],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const model of models) {
    await model.compare(tx, null);
    counts.set(model.fold.table, model.rows());
  }
  return counts;
}

function compareAll(
  findings: Findings,
  table: string,
  expected: readonly FoldedRow[],
  rows: readonly FoldedRow[],
): void {
  const found = new Map(rows.map(({ key, columns }) => [key, columns]));
  for (const { key, columns } of expected) {
    compareRow(findings, table, key, columns, found.get(key) ?? null);
    found.delete(key);
  }
  for (const [key, columns] of found) compareRow(findings, table, key, null, columns);
}
