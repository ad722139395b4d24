import type { LoggedEvent } from './log-page.ts';

export interface RingLimits {
  /** Events kept at the most. */
  readonly maxEvents: number;
  /** Bytes kept at the most, as far as they can be told. */
  readonly maxBytes: number;
}

/** A stretch of the ring, as one subscriber gets it. */
export interface RingSlice {
  readonly events: readonly LoggedEvent[];
  /** Everything up to here has been looked at. */
  readonly upTo: bigint;
}

/** The newest events of the log: every one after `from`, up to and with `to`. */
export interface LogRing {
  readonly from: bigint;
  readonly to: bigint;
  readonly size: number;
  readonly bytes: number;
  /** Adds what comes after `to`; the oldest go, until both limits hold. */
  push(events: readonly LoggedEvent[], upTo: bigint): void;
  /** Drops events up to and with a position, but for the newest few. */
  letGo(upTo: bigint, keep: number): void;
  /**
   * What follows a position that is not before `from`.
   * @param limit events at the most
   * @param maxBytes after the event that exceeds them the slice ends
   */
  after(
    position: bigint,
    matches: (event: LoggedEvent) => boolean,
    limit: number,
    maxBytes: number,
  ): RingSlice;
}

/** What an event takes beside its own texts: the object, and its form on the wire. */
const OVERHEAD_BYTES = 1_000;

/** An empty ring that begins after a position. */
export function createLogRing(start: bigint, { maxEvents, maxBytes }: RingLimits): LogRing {
  let events: (LoggedEvent | undefined)[] = [];
  let sizes: number[] = [];
  /** Of `events`, those before this index are gone; they are cut off now and then. */
  let first = 0;
  let [from, to, bytes] = [start, start, 0];

  function dropOldest(): void {
    from = events[first]?.position ?? to;
    bytes -= sizes[first] ?? 0;
    events[first] = undefined;
    first += 1;
  }

  function cutOff(): void {
    if (first < maxEvents) return;
    events = events.slice(first);
    sizes = sizes.slice(first);
    first = 0;
  }

  return {
    get from() {
      return from;
    },
    get to() {
      return to;
    },
    get size() {
      return events.length - first;
    },
    get bytes() {
      return bytes;
    },
    push(added, upTo) {
      for (const event of added) {
        const size = bytesOf(event);
        events.push(event);
        sizes.push(size);
        bytes += size;
        to = event.position;
        while (events.length - first > maxEvents || bytes > maxBytes) dropOldest();
      }
      to = upTo;
      cutOff();
    },
    letGo(upTo, keep) {
      while (events.length - first > keep && (events[first]?.position ?? to) <= upTo) dropOldest();
      cutOff();
    },
    after(position, matches, limit, byteLimit) {
      const found: LoggedEvent[] = [];
      let taken = 0;
      for (let index = indexAfter(events, first, position); index < events.length; index += 1) {
        const event = events[index];
        if (event === undefined || !matches(event)) continue;
        found.push(event);
        taken += sizes[index] ?? 0;
        if (found.length >= limit || taken >= byteLimit) {
          return { events: found, upTo: event.position };
        }
      }
      return { events: found, upTo: to > position ? to : position };
    },
  };
}

/** The index of the first event after a position, from an index on. */
function indexAfter(
  events: readonly (LoggedEvent | undefined)[],
  first: number,
  position: bigint,
): number {
  let [low, high] = [first, events.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle]?.position ?? position) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

function bytesOf(event: LoggedEvent): number {
  return OVERHEAD_BYTES + 2 * (textsIn(event.data) + textsIn(event.tags));
}

/** Characters of all texts inside, to any depth. */
function textsIn(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  let sum = 0;
  for (const part of Object.values(value)) sum += textsIn(part);
  return sum;
}
