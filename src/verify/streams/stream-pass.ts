import type { FoldedRow, JobRowFold } from '../../projections/row-fold.ts';
import type { Database } from '../../store/database.ts';
import { readChunkEnd } from '../../store/statements/verify/read-chunk-end.ts';
import { atOneMoment, type Checkpoints, type Moment } from '../checkpoints.ts';
import { addRowsLeft, type ChunkRows, readChunkRows } from './chunk-rows.ts';
import { compareStream } from './compare-stream.ts';
import { beginStream, judgeEnd, judgeEvent, type JudgedStream } from './judge-stream.ts';
import type { NameDirectory } from '../name-directory.ts';
import type { Findings } from '../report.ts';
import { firstId, lastId, type StreamEvent, streamPages } from '../stream-pages.ts';

export interface StreamPassOptions {
  readonly database: Database;
  readonly findings: Findings;
  readonly directory: NameDirectory;
  readonly models: readonly JobRowFold[];
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
  let after = firstId;
  while (after < lastId) {
    options.signal?.throwIfAborted();
    const from = after;
    after = await atOneMoment(options.database, options.models, (moment) =>
      checkChunk(moment, options, counts, from),
    );
    options.onProgress(counts.events);
  }
  return counts;
}

/** Checks the streams above an id, and answers up to which it came. */
async function checkChunk(
  { tx, models, checkpoints }: Moment<JobRowFold>,
  options: StreamPassOptions,
  counts: StreamCounts,
  after: string,
): Promise<string> {
  const [end] = await tx.run(readChunkEnd, { after, rows: options.chunkRows });
  const range = { after, upTo: end?.up_to ?? lastId };
  const rows = await readChunkRows(tx, range, models, options.bodies);
  const chunk = createChunk(options, counts, rows, checkpoints);
  const pages = { size: options.pageSize, ahead: true };
  for await (const page of streamPages(tx, options.directory, range, pages)) {
    options.signal?.throwIfAborted();
    const endedAt = chunk.add(page);
    if (endedAt === null) continue;
    addRowsLeft(options.findings, rows, endedAt);
    return endedAt;
  }
  chunk.end();
  addRowsLeft(options.findings, rows, range.upTo);
  return range.upTo;
}

interface OpenStream {
  readonly judged: JudgedStream;
  readonly folds: readonly {
    readonly model: JobRowFold;
    readonly upTo: bigint;
    readonly fold: ReturnType<JobRowFold['start']>;
  }[];
}

function createChunk(
  options: StreamPassOptions,
  counts: StreamCounts,
  rows: ChunkRows,
  checkpoints: Checkpoints,
) {
  const { findings, directory, bodies } = options;
  let open: OpenStream | null = null;
  let read = 0;

  const begin = ({ row }: StreamEvent): OpenStream => ({
    judged: beginStream(row.stream_id, directory.idsOf(row.tenant_id)),
    folds: [...rows.models.keys()].map((model) => ({
      model,
      upTo: checkpoints.get(model.name) ?? 0n,
      fold: model.start(),
    })),
  });
  const end = () => {
    if (open === null) return;
    const { judged, folds } = open;
    judgeEnd(findings, judged);
    const models = new Map<JobRowFold, FoldedRow[]>();
    for (const { model, fold } of folds) models.set(model, fold.rows(judged.ids));
    count(counts, judged, rows);
    compareStream(findings, judged, models, rows, bodies);
    open = null;
  };

  return {
    end,
    /** Takes events; answers the id of the last stream where the chunk is to end with it, else null. */
    add(page: readonly StreamEvent[]): string | null {
      for (const each of page) {
        const { row, event } = each;
        if (open !== null && open.judged.id !== row.stream_id) {
          const { id } = open.judged;
          end();
          if (read >= options.chunkEvents) return id;
        }
        read += 1;
        if (row.position !== null && row.position <= options.position) counts.events += 1;
        open ??= begin(each);
        addEvent(findings, open, row, event);
      }
      return null;
    },
  };
}

function addEvent(
  findings: Findings,
  { judged, folds }: OpenStream,
  row: StreamEvent['row'],
  event: StreamEvent['event'],
): void {
  if (event === undefined) {
    const { stream_id: key, version, position } = row;
    const at = { table: 'events', key, version, position };
    if (judged.sound) findings.add({ ...at, kind: 'event-unknown', ...unknownOf(row) });
    judged.sound = false;
    return;
  }
  if (!judgeEvent(findings, judged, event) || judged.job === null) return;
  for (const { fold, upTo } of folds) {
    if (event.position !== null && event.position <= upTo) fold.add(event as never, judged.job);
  }
}

/** Which number of an event stands for nothing. */
function unknownOf(row: StreamEvent['row']): { readonly column: string; readonly found: unknown } {
  if (row.queue === null) return { column: 'queue_id', found: row.queue_id };
  const isKnown = row.job_type_id === null || row.job_type !== null;
  return isKnown
    ? { column: 'type', found: row.type }
    : { column: 'job_type_id', found: row.job_type_id };
}

function count(counts: StreamCounts, { id, job, queue }: JudgedStream, rows: ChunkRows): void {
  if (job !== null) counts.jobs += 1;
  if (queue !== null) counts.queues += 1;
  if (rows.claims.has(id)) counts.claimRows += 1;
  if (rows.dead.has(id)) counts.deadRows += 1;
  if (rows.payloads.has(id)) counts.payloadRows += 1;
  for (const [{ name }, byJob] of rows.models) {
    const found = byJob.get(id)?.size ?? 0;
    counts.modelRows.set(name, (counts.modelRows.get(name) ?? 0) + found);
  }
}
