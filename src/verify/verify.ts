import { type Clock, systemClock } from '../kernel/clock.ts';
import { DaybookError } from '../kernel/errors.ts';
import { folds } from '../projections/folds.ts';
import type { Database } from '../store/database.ts';
import { type LogCounts, passLog } from './log/log-pass.ts';
import { createNameDirectory } from './name-directory.ts';
import { createSafetyCheck, type SafetyCheck, type SafetyOptions } from './safety/safety-check.ts';
import { createFindings, type Findings, type VerifyReport } from './report.ts';
import { passStreams, type StreamCounts } from './streams/stream-pass.ts';

export interface VerifyOptions {
  /** Read payloads and results to compare them with their hashes; default true. */
  readonly bodies?: boolean;
  /**
   * Also decide from the log whether what must never happen did: two leases at once, an outcome twice,
   * a claim from a paused queue, ... Default false.
   */
  readonly safety?: boolean | SafetyOptions;
  /** Ends the run: it rejects with `aborted`. */
  readonly signal?: AbortSignal;
  /** Told now and then how far the run is. */
  readonly onProgress?: (progress: VerifyProgress) => void;
  /** Jobs that one transaction reads at the most; default 2,000. */
  readonly chunkRows?: number;
  readonly clock?: Clock;
}

export interface VerifyProgress {
  /** First the log in its order, then its streams. */
  readonly phase: 'log' | 'streams';
  /** Events read in this phase, */
  readonly events: number;
  /** of about so many. */
  readonly of: number;
}

/** Differences that a report lists; the rest is counted. */
const LISTED = 100;
/** Events per statement: each page is worked on in one go, some 12 ms. */
const PAGE = 1_000;
/** Events after which a transaction ends with the stream it is at: some 0.3 s. */
const CHUNK_EVENTS = 20_000;

/**
 * Proves that the tables are what the log says: folds the log, and compares the claim table, dead
 * jobs, queues and read models with it, row for row and column by column, but for the fleeting ones.
 * On a live system it stops nobody and holds no snapshot for longer than a chunk takes.
 * @throws DaybookError `database-unavailable`, `migration-needed`, `aborted`
 */
export async function verify(
  database: Database,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  try {
    return await run(database.patient, options);
  } catch (error) {
    if (options.signal?.aborted !== true) throw error;
    throw new DaybookError('aborted', 'The verification was ended before its end.', {
      cause: error,
    });
  }
}

async function run(database: Database, options: VerifyOptions): Promise<VerifyReport> {
  const { bodies = true, chunkRows = 2_000, clock = systemClock, signal, onProgress } = options;
  const began = clock.elapsedMs();
  const findings = createFindings(LISTED);
  const common = { database, findings, directory: createNameDirectory(), pageSize: PAGE, signal };
  const safety = safetyCheckOf(options.safety);
  const log = await passLog({
    ...common,
    safety,
    models: folds.filter((fold) => fold.scope === 'log' || fold.scope === 'landmark'),
    onProgress: (position, head) =>
      onProgress?.({ phase: 'log', events: Number(position), of: Number(head) }),
  });
  const streams = await passStreams({
    ...common,
    models: folds.filter((fold) => fold.scope === 'job' || fold.scope === 'settled'),
    chunkRows,
    chunkEvents: CHUNK_EVENTS,
    bodies,
    position: log.position,
    onProgress: (events) => onProgress?.({ phase: 'streams', events, of: log.events }),
  });
  compareCounts(findings, log, streams);
  return {
    equal: Object.keys(findings.counts).length === 0,
    differences: findings.kept,
    counts: findings.counts,
    checked: checkedOf(log, streams),
    safety: safety?.end(log.readAtMs) ?? null,
    tookMs: Math.round(clock.elapsedMs() - began),
  };
}

function safetyCheckOf(safety: VerifyOptions['safety'] = false): SafetyCheck | null {
  if (safety === false) return null;
  return createSafetyCheck(safety === true ? {} : safety);
}

/** Reading by position and reading by stream must find the same events: each has its own index. */
function compareCounts(findings: Findings, log: LogCounts, streams: StreamCounts): void {
  if (log.events === streams.events) return;
  findings.add({
    kind: 'events-unreached',
    table: 'events',
    key: `1 to ${log.position}`,
    expected: log.events,
    found: streams.events,
  });
}

function checkedOf(log: LogCounts, streams: StreamCounts): VerifyReport['checked'] {
  const { jobs, queues, claimRows, deadRows, payloadRows } = streams;
  return {
    position: log.position.toString(),
    events: log.events,
    batches: log.batches,
    jobs,
    queues,
    claimRows,
    deadRows,
    payloadRows,
    readModels: folds.map(({ name, table }) => ({
      name,
      table,
      rows: streams.modelRows.get(table) ?? log.modelRows.get(table) ?? null,
    })),
  };
}
