import type { FoldedRow, JobRowFold, SettledRowFold } from '../../projections/row-fold.ts';
import type { Database } from '../../store/database.ts';
import { readChunkEnd } from '../../store/statements/verify/read-chunk-end.ts';
import { atOneMoment, type Checkpoints, liveCheckpoints, type Moment } from '../checkpoints.ts';
import { addRowsLeft, type ChunkRows, readChunkRows } from './chunk-rows.ts';
import { compareStream } from './compare-stream.ts';
import { beginStream, judgeEnd, type JudgedStream } from './judge-stream.ts';
import { addEvent, type OpenStream } from './open-stream.ts';
import { createSettledRows, type SettledRows } from './settled-rows.ts';
import type { NameDirectory } from '../name-directory.ts';
import type { Findings } from '../report.ts';
import { firstId, lastId, type StreamEvent, streamPages } from '../stream-pages.ts';

/** How a table is folded stream by stream. */
export type StreamFold = JobRowFold | SettledRowFold;

export interface StreamPassOptions {
  readonly database: Database;
  readonly findings: Findings;
  readonly directory: NameDirectory;
  readonly models: readonly StreamFold[];
  /** Jobs per chunk. */
  readonly chunkRows: number;
  /** Events per statement. */
  readonly pageSize: number;
  /** A chunk ends with the stream in which it has read so many events. */
  readonly chunkEvents: number;
  /** Read payloads and results, to compare their hashes. */
  readonly bodies: boolean;
  /** Events up to this position are counted. */
  readonly position: bigint;
  readonly signal: AbortSignal | undefined;
  /** Told how many events up to `position` have been read. */
  onProgress(events: number): void;
}

export interface StreamCounts {
  /** Events up to the position asked for. */
  events: number;
  jobs: number;
  queues: number;
  claimRows: number;
  deadRows: number;
  payloadRows: number;
  /** By table. */
  readonly modelRows: Map<string, number>;
}

/**
 * Judges and folds every stream, and compares what it gives with the rows of the tables. A chunk of
 * streams at a time, each in a short transaction of its own that sees one moment: so it holds no
 * snapshot for long, and on a live system nothing differs that is right.
 */
export async function passStreams(options: StreamPassOptions): Promise<StreamCounts> {
  const counts: StreamCounts = {
    events: 0,
    jobs: 0,
    queues: 0,
    claimRows: 0,
    deadRows: 0,
    payloadRows: 0,
    modelRows: new Map(),
  };
  const settled = await beginSettled(options);
  let after = firstId;
  while (after < lastId) {
    options.signal?.throwIfAborted();
    const from = after;
    after = await atOneMoment(options.database, options.models, (moment) =>
      checkChunk(moment, options, settled, counts, from),
    );
    options.onProgress(counts.events);
  }
  for (const each of settled) {
    const rows = await each.end();
    if (rows !== null) counts.modelRows.set(each.model.table, rows);
  }
  return counts;
}

/** Begins to compare each settled table that is built, as far as it is. */
async function beginSettled(options: StreamPassOptions): Promise<SettledRows[]> {
  const checkpoints = await liveCheckpoints(options.database);
  return options.models.flatMap((model) => {
    const upTo = checkpoints.get(model.name);
    return model.scope === 'settled' && upTo !== undefined
      ? [createSettledRows(model, upTo, options)]
      : [];
  });
}

/** Checks the streams above an id, and answers up to which it came. */
async function checkChunk(
  { tx, models, checkpoints }: Moment<StreamFold>,
  options: StreamPassOptions,
  settled: readonly SettledRows[],
  counts: StreamCounts,
  after: string,
): Promise<string> {
  const [end] = await tx.run(readChunkEnd, { after, rows: options.chunkRows });
  const range = { after, upTo: end?.up_to ?? lastId };
  const ofJobs = models.filter((model) => model.scope === 'job');
  const rows = await readChunkRows(tx, range, ofJobs, options.bodies);
  const chunk = createChunk(options, counts, rows, checkpoints, settled);
  const pages = { size: options.pageSize, ahead: true };
  let endedAt: string | null = null;
  for await (const page of streamPages(tx, options.directory, range, pages)) {
    options.signal?.throwIfAborted();
    endedAt = chunk.add(page);
    if (endedAt !== null) break;
  }
  if (endedAt === null) chunk.end();
  const upTo = endedAt ?? range.upTo;
  addRowsLeft(options.findings, rows, upTo);
  for (const each of settled) await each.compare(tx, checkpoints);
  return upTo;
}

/** A stream that is read, and what becomes of the rows it gives. */
interface StreamOfChunk extends OpenStream {
  readonly folds: readonly (OpenStream['folds'][number] &
    ({ readonly model: JobRowFold } | { readonly settled: SettledRows }))[];
}

function createChunk(
  options: StreamPassOptions,
  counts: StreamCounts,
  rows: ChunkRows,
  checkpoints: Checkpoints,
  settled: readonly SettledRows[],
) {
  const { findings, directory, bodies } = options;
  let open: StreamOfChunk | null = null;
  let read = 0;

  const begin = ({ row }: StreamEvent): StreamOfChunk => ({
    judged: beginStream(row.stream_id, directory.idsOf(row.tenant_id)),
    folds: [
      ...[...rows.models.keys()].map((model) => ({
        model,
        upTo: checkpoints.get(model.name) ?? 0n,
        fold: model.start(),
      })),
      ...settled.map((each) => ({
        settled: each,
        upTo: each.upTo,
        fold: each.model.start(),
      })),
    ],
  });
  const end = () => {
    if (open === null) return;
    const { judged, folds } = open;
    judgeEnd(findings, judged);
    const models = new Map<JobRowFold, FoldedRow[]>();
    for (const each of folds) {
      const given = each.fold.rows(judged.ids);
      if ('model' in each) models.set(each.model, given);
      else if (judged.sound) each.settled.expect(judged.id, given);
    }
    count(counts, judged, rows);
    compareStream(findings, judged, models, rows, bodies);
    open = null;
  };

  return {
    end,
    /** Takes events; answers the id of the last stream where the chunk is to end with it, else null. */
    add(page: readonly StreamEvent[]): string | null {
      for (const each of page) {
        const { row } = each;
        if (open !== null && open.judged.id !== row.stream_id) {
          const { id } = open.judged;
          end();
          if (read >= options.chunkEvents) return id;
        }
        read += 1;
        if (row.position !== null && row.position <= options.position) counts.events += 1;
        open ??= begin(each);
        addEvent(findings, open, each);
      }
      return null;
    },
  };
}

function count(counts: StreamCounts, { id, job, queue }: JudgedStream, rows: ChunkRows): void {
  if (job !== null) counts.jobs += 1;
  if (queue !== null) counts.queues += 1;
  if (rows.claims.has(id)) counts.claimRows += 1;
  if (rows.dead.has(id)) counts.deadRows += 1;
  if (rows.payloads.has(id)) counts.payloadRows += 1;
  for (const [{ table }, byJob] of rows.models) {
    const found = byJob.get(id)?.size ?? 0;
    counts.modelRows.set(table, (counts.modelRows.get(table) ?? 0) + found);
  }
}
