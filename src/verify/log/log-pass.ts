import type { Database } from '../../store/database.ts';
import type { RecordedEvent } from '../../store/event-codec.ts';
import type { Executor } from '../../store/statement.ts';
import { type LogEventRow, readLogEvents } from '../../store/statements/verify/read-log-events.ts';
import {
  type LogFrame,
  readEpochs,
  readLogFrame,
} from '../../store/statements/verify/read-log-frame.ts';
import { atOneMoment, liveCheckpoints } from '../checkpoints.ts';
import { createBatchCheck } from './batch-check.ts';
import type { SafetyCheck } from '../safety/safety-check.ts';
import {
  compareLandmarks,
  compareModels,
  type LogFold,
  type Model,
  openModel,
  type Reader,
} from './log-models.ts';
import { createOrderCheck } from './order-check.ts';
import { decodeStored, type NameDirectory } from '../name-directory.ts';
import type { Findings } from '../report.ts';

export interface LogPassOptions {
  readonly database: Database;
  readonly findings: Findings;
  readonly directory: NameDirectory;
  readonly models: readonly LogFold[];
  /** Reads along; null for none. */
  readonly safety: SafetyCheck | null;
  /** Events per statement. */
  readonly pageSize: number;
  readonly signal: AbortSignal | undefined;
  /** Told up to which position the log has been read, and where it ends. */
  onProgress(position: bigint, head: bigint): void;
}

export interface LogCounts {
  /** The log was read up to here, */
  readonly position: bigint;
  /** and so many events were in it. */
  readonly events: number;
  readonly batches: number;
  readonly modelRows: ReadonlyMap<string, number>;
  /** A time of the database's at which all of it was committed, in ms. */
  readonly readAtMs: number;
}

/** Rounds outside any snapshot, at the most, to come near the head of a log that grows. */
const ROUNDS = 20;

/**
 * Reads the log once in its order: holes, epochs, and what read models add up over all streams. What
 * has a position never changes, so nearly all of it is read outside any snapshot; only what came since
 * is read in the one short transaction that sees the head, the checkpoints and the rows to compare.
 */
export async function passLog(options: LogPassOptions): Promise<LogCounts> {
  const { database, findings, directory, pageSize } = options;
  const order = createOrderCheck(findings);
  const whole: Reader = {
    seen: 0n,
    limit: 0n,
    take(row, event) {
      order.take(row);
      if (options.safety !== null) takeForSafety(options.safety, row, event);
    },
  };
  const models = options.models.map((fold) => openModel(fold, directory, findings));
  const readers = [whole, ...models.map(({ reader }) => reader)];

  for (let round = 0; round < ROUNDS; round += 1) {
    await aim(database, whole, models);
    if (distanceOf(readers) <= BigInt(pageSize)) break;
    await advance(database, options, readers, () => compareLandmarks(database, models));
  }
  const batches = createBatchCheck(findings, pageSize);
  await batches.read(database);
  return atOneMoment(database, options.models, async ({ tx, models: present }) => {
    const frame = await aim(tx, whole, models);
    await advance(tx, options, readers);
    order.end(frame, await tx.run(readEpochs, {}));
    await checkBeyondHead(tx, findings, frame);
    await batches.read(tx);
    batches.end(frame);
    const built = models.filter(({ fold }) => present.includes(fold));
    const modelRows = await compareModels(tx, built);
    return {
      position: frame.position,
      events: order.events(),
      batches: batches.count(),
      modelRows,
      readAtMs: frame.read_at,
    };
  });
}

function takeForSafety(
  safety: SafetyCheck,
  { stream_id: streamId, position, tenant_id: tenantId, recorded_at: recordedAtMs }: LogEventRow,
  event: RecordedEvent | undefined,
): void {
  if (event === undefined) safety.skip(streamId, position);
  else safety.take(event, { tenantId, recordedAtMs });
}

/** Sets how far each reader may read: the log to its head, a read model to its checkpoint. */
async function aim(executor: Executor, whole: Reader, models: readonly Model[]): Promise<LogFrame> {
  const [frame] = await executor.run(readLogFrame, {});
  const checkpoints = await liveCheckpoints(executor);
  whole.limit = frame?.position ?? 0n;
  for (const model of models) {
    const { reader, fold } = model;
    reader.limit = checkpoints.get(fold.name) ?? 0n;
    if (reader.limit >= reader.seen) continue;
    // Another build took the place of the one that was read along with, and is not as far.
    model.restart();
  }
  return frame ?? emptyFrame;
}

const emptyFrame: LogFrame = {
  position: 0n,
  epoch: 1,
  recorded_at: 0,
  read_at: 0,
  stranded_seq: null,
  stranded_stream: null,
  stranded_version: null,
};

function behind(readers: readonly Reader[]): Reader[] {
  return readers.filter(({ seen, limit }) => seen < limit);
}

function distanceOf(readers: readonly Reader[]): bigint {
  const late = behind(readers);
  return late.length === 0 ? 0n : endOf(late) - startOf(late);
}

function startOf(readers: readonly Reader[]): bigint {
  return readers.reduce((least, { seen }) => (seen < least ? seen : least), 2n ** 63n);
}

function endOf(readers: readonly Reader[]): bigint {
  return readers.reduce((most, { limit }) => (limit > most ? limit : most), 0n);
}

/** Brings every reader to its limit, reading the log once for all of them. */
async function advance(
  executor: Executor,
  { directory, pageSize, signal, onProgress }: LogPassOptions,
  readers: readonly Reader[],
  afterPage?: () => Promise<void>,
): Promise<void> {
  const late = behind(readers);
  if (late.length === 0) return;
  const upTo = endOf(late);
  const read = (after: bigint) => executor.run(readLogEvents, { after, upTo, limit: pageSize });
  let next = read(startOf(late));
  for (;;) {
    const rows = await next;
    signal?.throwIfAborted();
    await directory.learn(executor, rows);
    const end = rows.at(-1)?.position ?? upTo;
    const isLast = end >= upTo;
    // The database reads the next page while this one is worked on.
    if (!isLast) {
      next = read(end);
      next.catch(heardLater);
      onProgress(end, upTo);
    }
    for (const row of rows) {
      const event = decodeStored(row);
      for (const reader of late) {
        if (row.position > reader.seen && row.position <= reader.limit) reader.take(row, event);
      }
    }
    for (const reader of late) {
      if (end > reader.seen) reader.seen = end < reader.limit ? end : reader.limit;
    }
    await afterPage?.();
    if (isLast) return;
  }
}

function heardLater(): void {
  // Whoever awaits the page hears of it; nobody does once the pass has failed.
}

async function checkBeyondHead(
  tx: Executor,
  findings: Findings,
  { position: head }: LogFrame,
): Promise<void> {
  const range = { after: head, upTo: 2n ** 63n - 1n, limit: 1 };
  for (const { position, stream_id: found } of await tx.run(readLogEvents, range)) {
    const at = { table: 'events', key: position.toString(), position };
    findings.add({ ...at, kind: 'position-beyond-head', expected: `at most ${head}`, found });
  }
}
