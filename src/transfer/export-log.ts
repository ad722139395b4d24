import { randomUUID } from 'node:crypto';
import { type EventFilter, eventMatcher, letsAllThrough } from '../domain/event-filter.ts';
import type { RecordedEvent } from '../domain/event-types.ts';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { DaybookError } from '../kernel/errors.ts';
import { decodeEvent } from '../store/event-codec.ts';
import type { Database } from '../store/database.ts';
import { listEpochs } from '../store/statements/list-epochs.ts';
import { readHead } from '../store/statements/read-head.ts';
import { type LogEventRow, readLogEvents } from '../store/statements/verify/read-log-events.ts';
import { readInbox } from '../store/statements/transfer/read-inbox.ts';
import { createBodyLedger } from './bodies/body-ledger.ts';
import { chained, eventJson, hasBodies, headerType, trailerType } from './event-line.ts';
import { type Bodiless, withBodies } from './bodies/with-bodies.ts';

export interface ExportOptions {
  /** Only events after this position. */
  readonly after?: bigint;
  /**
   * Only events that fit. Events of queues have neither type nor tags nor correlation, and are held
   * back by the name of the queue alone, so that the jobs that are exported have their queues.
   */
  readonly filter?: EventFilter;
  /** Told now and then how far it is. */
  readonly onProgress?: (position: bigint, head: bigint) => void;
  readonly clock?: Clock;
}

/** What an export came to. */
export interface Exported {
  readonly events: number;
  /** The last position that was read. */
  readonly position: bigint;
}

/** Events per statement. */
const PAGE = 1_000;
/** How long an export waits for the events that say what became of bodies, and how often it looks. */
const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 50;

/**
 * The log as lines of NDJSON, each a CloudEvent: a header, the events in their order with payloads
 * and results, and a trailer, without which it is not whole. Holds no snapshot, so it may take its
 * time beside all that goes on: everything that was written before it begins is in it, and, where a body
 * was replaced or erased meanwhile, the event that says so.
 * Lease tokens are left out: whoever has one can end a claim.
 * @throws DaybookError `export-incomplete` where a body is not in the database and no event says why, and
 *   where no sequencer moves what was written before
 */
export async function* exportLog(
  database: Database,
  options: ExportOptions = {},
): AsyncGenerator<string, Exported> {
  const { after = 0n, filter = {}, onProgress, clock = systemClock } = options;
  const { patient } = database;
  const complete = after === 0n && letsAllThrough(filter);
  const fits = matcherOf(filter);
  const ledger = createBodyLedger();
  let link = '';
  let events = 0;
  let position = after;
  const written = (await patient.run(readInbox, { upTo: 0n }))[0]?.last ?? 0n;
  let waitedSince: number | undefined;

  yield chained(JSON.stringify(header(database.schema, complete, options)), '').line;
  for (;;) {
    const unmoved = (await patient.run(readInbox, { upTo: written }))[0]?.waiting ?? 0;
    const head = await headOf(patient);
    while (position < head) {
      const rows = await patient.run(readLogEvents, { after: position, upTo: head, limit: PAGE });
      const page = rows.map(decoded).filter(({ event }) => fits(event));
      for await (const sourced of withBodies(patient, page)) {
        ledger.take(sourced.event, hasBodies(sourced));
        const next = chained(eventJson(sourced, database.schema), link);
        link = next.link;
        events += 1;
        yield next.line;
      }
      position = rows.at(-1)?.position ?? head;
      onProgress?.(position, head);
    }
    const missing = complete ? ledger.missing() : [];
    if (missing.length === 0 && unmoved === 0) break;
    waitedSince ??= clock.elapsedMs();
    if (clock.elapsedMs() - waitedSince > PATIENCE_MS) throw incomplete(missing, unmoved);
    await clock.sleep(LOOK_EVERY_MS);
  }
  const epochs = (await patient.run(listEpochs, {})).map((row) => ({
    epoch: row.epoch,
    openedAtMs: row.opened_at,
    systemIdentifier: row.system_identifier,
    timeline: row.timeline,
    afterPosition: String(row.after_position),
    reason: row.reason,
  }));
  const said = { format: 1, complete, events, position: String(position), epochs };
  yield chained(JSON.stringify(markOf(database.schema, trailerType, said)), link).line;
  return { events, position };
}

async function headOf(database: Database): Promise<bigint> {
  return (await database.run(readHead, {}))[0]?.position ?? 0n;
}

function matcherOf(filter: EventFilter): (event: RecordedEvent) => boolean {
  const ofJob = eventMatcher(filter);
  const ofQueue = eventMatcher({ queues: filter.queues });
  return (event) => (event.jobType === null ? ofQueue(event) : ofJob(event));
}

function header(schema: string, complete: boolean, { after, filter }: ExportOptions) {
  const given = complete ? {} : { after: String(after ?? 0n), filter: filter ?? {} };
  return markOf(schema, headerType, { format: 1, complete, ...given });
}

/** A line that is a CloudEvent too, but tells of the export. */
function markOf(schema: string, type: string, data: object) {
  const source = `/daybook/${schema}`;
  return {
    specversion: '1.0',
    id: randomUUID(),
    source,
    type,
    datacontenttype: 'application/json',
    data,
  };
}

function decoded(row: LogEventRow): Bodiless {
  const { queue, position, recorded_at: recordedAtMs } = row;
  const isNamed = queue !== null && (row.job_type === null) === (row.job_type_id === null);
  const event = isNamed ? decodeEvent({ ...row, queue }) : undefined;
  if (event !== undefined) {
    return { event: { ...event, position }, recordedAtMs: recordedAtMs ?? event.occurredAtMs };
  }
  throw new DaybookError(
    'export-incomplete',
    `The event at position ${position} is none that this version knows. Nothing after it was exported.`,
  );
}

function incomplete(missing: readonly string[], unmoved: number): DaybookError {
  if (unmoved > 0) {
    return new DaybookError(
      'export-incomplete',
      `${unmoved} events were written before and have no position yet: let a sequencer run (\`daybook start --role sequencer\`), and export again.`,
    );
  }
  const some = missing.slice(0, 3).join(', ');
  return new DaybookError(
    'export-incomplete',
    `${missing.length} jobs lack the payload or result that the log names, the first ones ${some}.`,
  );
}
