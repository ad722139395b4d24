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
 * Writes a stretch of events once, however many connections it goes to: for as long as its events are
 * in memory. Events that a filter has picked out are written once each.
 */
function sharedFrames(
  frameOf: (event: LoggedEvent) => string,
): (events: readonly LoggedEvent[]) => Buffer {
  const single = new WeakMap<LoggedEvent, Buffer>();
  /** By the first event; who keeps up, and who is behind, want stretches that end at the same ones. */
  const stretches = new WeakMap<
    LoggedEvent,
    { readonly last: LoggedEvent; readonly bytes: Buffer }
  >();
  const frame = (event: LoggedEvent) => {
    const known = single.get(event);
    if (known !== undefined) return known;
    const made = Buffer.from(frameOf(event));
    single.set(event, made);
    return made;
  };
  return (events) => {
    const [first, last] = [events[0], events.at(-1)];
    if (first === undefined || last === undefined) return nothing;
    if (first === last) return frame(first);
    const isStretch = last.position - first.position === BigInt(events.length - 1);
    if (!isStretch) return Buffer.concat(events.map(frame));
    const known = stretches.get(first);
    if (known?.last === last) return known.bytes;
    const bytes = Buffer.from(events.map(frameOf).join(''));
    stretches.set(first, { last, bytes });
    return bytes;
  };
}

const nothing = Buffer.alloc(0);
