import type { LoggedEvent } from '../../consumers/tail/log-page.ts';
import { cloudEventView } from '../views/cloud-event-view.ts';

/** How events and signals are written to a connection. */
export interface EventFrames {
  /** The bytes of some events, in order. Shared: not to be changed. */
  events(events: readonly LoggedEvent[]): Buffer;
  /** Something that is no event: `caught-up`, `gap`, `reset`; `token` is where to go on from. */
  signal(name: SignalName, token: string, facts?: Readonly<Record<string, unknown>>): string;
  /** Nothing has come, and the connection is alive; everything up to the token has been looked at. */
  heartbeat(token: string): string;
}

export type SignalName = 'caught-up' | 'gap' | 'reset';

/** Chunks remembered: those who keep up all ask for the same one within a moment. Each is of 64 events. */
const CHUNKS = 32;

/**
 * Server-sent events. Events of the log have no `event:` line, so that one listener gets all of them;
 * signals have one. A heartbeat is a comment, and an id line, which moves the Last-Event-ID of
 * clients that do as the standard says.
 */
export function createSseFrames(installation: string): EventFrames {
  return {
    events: sharedFrames((event) => {
      const data = JSON.stringify(cloudEventView(event, installation));
      return `id: ${event.token}\ndata: ${data}\n\n`;
    }),
    signal: (name, token, facts = {}) =>
      `event: ${name}\nid: ${token}\ndata: ${JSON.stringify({ token, ...facts })}\n\n`,
    heartbeat: (token) => `: heartbeat ${token}\nid: ${token}\n\n`,
  };
}

/** One JSON value per line: events as CloudEvents, signals as objects with the member `signal`. */
export function createNdjsonFrames(installation: string): EventFrames {
  const line = (value: object) => `${JSON.stringify(value)}\n`;
  return {
    events: sharedFrames((event) => line(cloudEventView(event, installation))),
    signal: (signal, token, facts = {}) => line({ signal, token, ...facts }),
    heartbeat: (token) => line({ signal: 'heartbeat', token }),
  };
}

/**
 * Writes each event once, however many connections it goes to, and also each stretch of events that
 * many connections want at the same time.
 */
function sharedFrames(
  frameOf: (event: LoggedEvent) => string,
): (events: readonly LoggedEvent[]) => Buffer {
  const frames = new WeakMap<LoggedEvent, Buffer>();
  const chunks = new Map<string, Buffer>();
  const frame = (event: LoggedEvent) => {
    const known = frames.get(event);
    if (known !== undefined) return known;
    const made = Buffer.from(frameOf(event));
    frames.set(event, made);
    return made;
  };
  return (events) => {
    const key = stretchOf(events);
    const known = key === undefined ? undefined : chunks.get(key);
    if (known !== undefined) return known;
    const made = Buffer.concat(events.map(frame));
    if (key !== undefined) {
      chunks.set(key, made);
      const [oldest] = chunks.keys();
      if (chunks.size > CHUNKS && oldest !== undefined) chunks.delete(oldest);
    }
    return made;
  };
}

/** A name for events that follow each other without a hole; undefined for others. */
function stretchOf(events: readonly LoggedEvent[]): string | undefined {
  const [first, last] = [events[0], events.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const isStretch = last.position - first.position === BigInt(events.length - 1);
  return isStretch ? `${first.token} ${last.token}` : undefined;
}
