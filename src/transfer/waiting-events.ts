import type { Executor } from '../store/statement.ts';
import {
  makeWaitingEvents,
  putWaitingEvents,
  readWaitingEvents,
  type WaitingEventRow,
} from '../store/statements/transfer/waiting-events.ts';
import type { SourcedEvent } from './log-source.ts';

/** Events that have come before their turn: some in memory, and the rest in a table of the transaction. */
export interface WaitingEvents {
  /** False where an event with this position waits already, as far as is known in memory. */
  add(event: SourcedEvent): boolean;
  /** Puts aside what is in memory, where that is too much. @throws PositionTwice */
  settle(tx: Executor): Promise<void>;
  /** Takes the event at a position out, if it is there; positions only grow. @throws PositionTwice */
  take(tx: Executor, position: bigint): Promise<SourcedEvent | undefined>;
  /** Whether `take` would find something. */
  has(position: bigint): boolean;
  readonly isEmpty: boolean;
}

/** Two events with the same position. */
export class PositionTwice extends Error {
  readonly event: SourcedEvent['event'];

  constructor({ event }: SourcedEvent) {
    super(`Position ${event.position} is there twice.`);
    this.event = event;
  }
}

export interface WaitingLimits {
  /** Events in memory, at the most: so many that have come, and again as many that were read back. */
  readonly events: number;
  /** Bytes of bodies among those that have come, and again as many of what was read back. */
  readonly bytes: number;
}

/** Rows per statement. */
const ROWS = 1_000;

export function createWaitingEvents({
  events: maxEvents,
  bytes: maxBytes,
}: WaitingLimits): WaitingEvents {
  const pageSize = Math.min(ROWS, maxEvents);
  const arrived = new Map<bigint, SourcedEvent>();
  let arrivedBytes = 0;
  /** A copy of the first that were put aside. */
  let readBack = new Map<bigint, SourcedEvent>();
  /** The first that was put aside and is not in the copy. */
  let lowest: bigint | undefined;
  let isMade = false;

  const putAside = async (tx: Executor): Promise<void> => {
    if (!isMade) await tx.run(makeWaitingEvents, {});
    isMade = true;
    const all = [...arrived.values()];
    arrived.clear();
    arrivedBytes = 0;
    for (let from = 0; from < all.length; from += ROWS) {
      const some = all.slice(from, from + ROWS);
      const rows = some.map((each) => ({ position: each.event.position, event: textOf(each) }));
      const put = new Set((await tx.run(putWaitingEvents, { rows })).map((row) => row.position));
      const twice = some.find(({ event }) => !put.has(event.position));
      if (twice !== undefined) throw new PositionTwice(twice);
      for (const { position } of rows)
        if (lowest === undefined || position < lowest) lowest = position;
    }
  };

  const readFrom = async (tx: Executor, position: bigint): Promise<void> => {
    const page = { from: position, limit: pageSize, bytes: maxBytes };
    const rows = await tx.run(readWaitingEvents, page);
    readBack = new Map(rows.map((row) => [row.position, eventOf(row)]));
    lowest = rows.at(-1)?.next ?? undefined;
    const twice = rows.find((row) => arrived.has(row.position));
    if (twice !== undefined) throw new PositionTwice(eventOf(twice));
  };

  return {
    add(sourced) {
      const { position } = sourced.event;
      if (arrived.has(position) || readBack.has(position)) return false;
      arrived.set(position, sourced);
      arrivedBytes += bytesOf(sourced);
      return true;
    },
    async settle(tx) {
      if (arrived.size > maxEvents || arrivedBytes > maxBytes) await putAside(tx);
    },
    async take(tx, position) {
      if (lowest === position) await readFrom(tx, position);
      const found = arrived.get(position) ?? readBack.get(position);
      if (found === undefined) return undefined;
      if (arrived.delete(position)) arrivedBytes -= bytesOf(found);
      readBack.delete(position);
      return found;
    },
    has: (position) => arrived.has(position) || readBack.has(position) || lowest === position,
    get isEmpty() {
      return arrived.size === 0 && readBack.size === 0 && lowest === undefined;
    },
  };
}

function bytesOf({ payload, result }: SourcedEvent): number {
  return (payload?.length ?? 0) + (result?.length ?? 0);
}

/** As JSON, but for the position, which stands beside it: JSON has no bigint. */
function textOf({ event, ...rest }: SourcedEvent): string {
  return JSON.stringify({ ...rest, event: { ...event, position: undefined } });
}

function eventOf({ position, event: text }: WaitingEventRow): SourcedEvent {
  const kept = JSON.parse(text) as SourcedEvent;
  return { ...kept, event: { ...kept.event, position } };
}
