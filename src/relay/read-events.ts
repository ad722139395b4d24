import type { RecordedEvent } from '../domain/event-types.ts';
import { decodeEvent } from '../store/event-codec.ts';
import type { Database } from '../store/database.ts';
import { readRange } from '../store/statements/read-range.ts';
import type { EventRow } from '../store/statements/read-streams.ts';
import { readToldBodies } from '../store/statements/read-told-bodies.ts';
import { type EventBody, type RelayEvent, relayEvent, sourceOf } from './relay-event.ts';

/** A stretch of the log as the target gets it. */
export interface RelayPage {
  readonly events: readonly RelayEvent[];
  /** Everything up to here is in it. */
  readonly upTo: bigint;
}

/** Bytes of payloads and results that are read at once; one event more than fits. */
const PAGE_BYTES = 16 * 1_048_576;

/**
 * Reads a stretch of the log, or as much of it as fits into memory.
 * @param bodies whether payloads and results travel @throws Error for an event of a newer version
 */
export async function readPage(
  database: Database,
  {
    after,
    upTo,
    bodies,
  }: { readonly after: bigint; readonly upTo: bigint; readonly bodies: boolean },
): Promise<RelayPage> {
  const rows = await database.run(readRange, { after, upTo, types: null });
  const recorded = decodeAll(rows);
  if (!bodies) return { events: withoutBodies(database, recorded), upTo };
  const fitting = within(recorded);
  const events = await withBodies(database, fitting);
  const last = fitting.at(-1);
  return { events, upTo: fitting.length === recorded.length || !last ? upTo : last.position };
}

/** Rows of events as the target gets them. */
export async function relayRows(
  database: Database,
  rows: readonly EventRow[],
  bodies: boolean,
): Promise<readonly RelayEvent[]> {
  const recorded = decodeAll(rows);
  return bodies ? withBodies(database, recorded) : withoutBodies(database, recorded);
}

type LoggedEvent = RecordedEvent & { readonly position: bigint };

function decodeAll(rows: readonly EventRow[]): readonly LoggedEvent[] {
  return rows.map((row) => {
    const event = decodeEvent(row);
    if (event === undefined || event.position === null) {
      throw new Error(
        `The event at position ${row.position} has a type that this version does not know: a newer one has to relay it.`,
      );
    }
    return event as LoggedEvent;
  });
}

function within(events: readonly LoggedEvent[]): readonly LoggedEvent[] {
  let bytes = 0;
  const end = events.findIndex((event) => {
    const full = bytes > PAGE_BYTES;
    bytes += toldBytes(event);
    return full;
  });
  return end === -1 ? events : events.slice(0, end);
}

function toldBytes({ type, data }: RecordedEvent): number {
  if (type === 'JobSubmitted') return data.payloadBytes;
  if (type === 'JobEdited') return data.changes.payloadBytes ?? 0;
  return type === 'JobCompleted' ? (data.resultBytes ?? 0) : 0;
}

function withoutBodies({ schema }: Database, events: readonly LoggedEvent[]): RelayEvent[] {
  return events.map((event) => relayEvent(event, sourceOf(schema)));
}

async function withBodies(
  database: Database,
  events: readonly LoggedEvent[],
): Promise<readonly RelayEvent[]> {
  const jobIds = events.filter((event) => hashOf(event) !== undefined).map((each) => each.streamId);
  const rows = jobIds.length === 0 ? [] : await database.run(readToldBodies, { jobIds });
  const byJob = new Map(rows.map((row) => [row.job_id, row]));
  const source = sourceOf(database.schema);
  return events.map((event) => {
    const row = byJob.get(event.streamId);
    const hash = hashOf(event);
    if (row === undefined || hash === undefined) return relayEvent(event, source);
    return relayEvent(event, source, bodyOf(event, hash, row));
  });
}

/** Of what is told with an event; undefined for events that bring nothing. */
function hashOf({ type, data }: RecordedEvent): string | undefined {
  if (type === 'JobSubmitted') return data.payloadHash;
  if (type === 'JobEdited') return data.changes.payloadHash;
  return type === 'JobCompleted' ? data.resultHash : undefined;
}

/** What is kept is what the job has now: an edit since has put another payload in the place of the first. */
function bodyOf(
  { type }: RecordedEvent,
  hash: string,
  row: {
    readonly payload_hash: string;
    readonly payload: string | null;
    readonly result: string | null;
  },
): EventBody {
  if (type === 'JobCompleted') return row.result === null ? {} : { result: JSON.parse(row.result) };
  if (row.payload === null || row.payload_hash !== hash) return {};
  return { payload: JSON.parse(row.payload) };
}
