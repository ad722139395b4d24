import type { FoldedRow, JobRow, RowIds, SettledRowFold } from '../../projections/row-fold.ts';
import type { Database } from '../../store/database.ts';
import type { Executor } from '../../store/statement.ts';
import { atOneMoment, type Checkpoints } from '../checkpoints.ts';
import { compareRow } from '../compare-rows.ts';
import type { NameDirectory } from '../name-directory.ts';
import { createFindings, type Findings } from '../report.ts';
import { pagesOfStream } from '../stream-pages.ts';
import { beginStream } from './judge-stream.ts';
import { addEvent, type OpenStream } from './open-stream.ts';

export interface SettledOptions {
  readonly database: Database;
  readonly findings: Findings;
  readonly directory: NameDirectory;
  /** Rows, or events, per statement. */
  readonly pageSize: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Compares a table whose rows never change and cannot be read by job. Each row that a job asks for is
 * looked for by its key; when all jobs have asked, the number of stored rows tells whether there are
 * others, and only then are those named, which reads their jobs once more.
 */
export interface SettledRows {
  readonly model: SettledRowFold;
  /** Rows are compared that were written for events up to here: those are the same in every moment. */
  readonly upTo: bigint;
  /** Takes what a job asks for, to be compared with the others of its chunk. */
  expect(jobId: string, rows: readonly FoldedRow[]): void;
  /** Compares what was asked for, in the moment of a chunk. */
  compare(tx: Executor, checkpoints: Checkpoints): Promise<void>;
  /** Names the stored rows that nobody asked for. Answers how many rows there are; null: not known. */
  end(): Promise<number | null>;
}

export function createSettledRows(
  model: SettledRowFold,
  upTo: bigint,
  options: SettledOptions,
): SettledRows {
  const { findings } = options;
  let expected: { readonly key: string; readonly row: FoldedRow }[] = [];
  let matched = 0;
  /** A build that is not as far took the place of the one compared with: no number can be told. */
  let lost = false;

  return {
    model,
    upTo,
    expect(jobId, rows) {
      for (const row of rows) expected.push({ key: `${jobId} ${row.key}`, row });
    },
    async compare(tx, checkpoints) {
      const asked = expected;
      expected = [];
      if ((checkpoints.get(model.name) ?? -1n) < upTo) lost = true;
      if (lost || asked.length === 0) return;
      const found = await model.find(
        tx,
        asked.map(({ row }) => row),
      );
      for (const [index, { key, row }] of asked.entries()) {
        const stored = found[index];
        if (stored !== undefined) matched += 1;
        compareRow(findings, model.table, key, row.columns, stored?.columns ?? null);
      }
    },
    async end() {
      let stored = 0;
      const counted = await eachPage(model, upTo, options, (_, rows) => {
        stored += rows.length;
      });
      if (lost || !counted) return null;
      if (stored !== matched) await nameExtra(model, upTo, options);
      return stored;
    },
  };
}

/** Gives all stored rows, a page and a transaction at a time; false where they are there no more. */
async function eachPage(
  model: SettledRowFold,
  upTo: bigint,
  { database, signal, pageSize: limit }: SettledOptions,
  take: (tx: Executor, rows: readonly JobRow[]) => Promise<void> | void,
): Promise<boolean> {
  for (let after: JobRow | null = null; ; ) {
    signal?.throwIfAborted();
    const from: JobRow | null = after;
    const page = await atOneMoment(database, [model], async ({ tx, checkpoints }) => {
      if ((checkpoints.get(model.name) ?? -1n) < upTo) return null;
      const rows = await model.page(tx, { after: from, upTo, limit });
      const whole = rows.length < limit ? rows : withoutLastKey(rows);
      await take(tx, whole);
      return { last: whole.at(-1), isLast: rows.length < limit };
    });
    if (page === null) return false;
    if (page.isLast || page.last === undefined) return true;
    after = page.last;
  }
}

/** Rows with the same key may go on in the next page: they are left to it, unless they are all. */
function withoutLastKey(rows: readonly JobRow[]): readonly JobRow[] {
  const last = rows.at(-1)?.key;
  const before = rows.filter(({ key }) => key !== last);
  return before.length > 0 ? before : rows;
}

async function nameExtra(
  model: SettledRowFold,
  upTo: bigint,
  options: SettledOptions,
): Promise<void> {
  await eachPage(model, upTo, options, async (tx, rows) => {
    for (const jobId of new Set(rows.map((row) => row.jobId))) {
      const expected = await foldAgain(tx, model, upTo, options, jobId);
      // A stream that cannot be folded is told of already.
      if (expected === null) continue;
      const left = new Set(expected.map(({ key }) => key));
      for (const { key, columns, jobId: its } of rows) {
        if (its !== jobId || left.delete(key)) continue;
        compareRow(options.findings, model.table, `${jobId} ${key}`, null, columns);
      }
    }
  });
}

/** What a job asks for; null where its stream is not sound. */
async function foldAgain(
  tx: Executor,
  model: SettledRowFold,
  upTo: bigint,
  { directory, pageSize }: SettledOptions,
  jobId: string,
): Promise<FoldedRow[] | null> {
  const said = createFindings(0);
  const fold = model.start();
  let ids: RowIds | null = null;
  let stream: OpenStream | null = null;
  for await (const page of pagesOfStream(tx, directory, jobId, { size: pageSize, ahead: false })) {
    for (const each of page) {
      ids ??= directory.idsOf(each.row.tenant_id);
      stream ??= { judged: beginStream(jobId, ids), folds: [{ fold, upTo }] };
      addEvent(said, stream, each);
      if (!stream.judged.sound) return null;
    }
  }
  return ids === null ? [] : fold.rows(ids);
}
