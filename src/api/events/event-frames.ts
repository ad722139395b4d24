import type { LoggedEvent } from '../../consumers/tail/log-page.ts';
import { cloudEventView } from '../views/cloud-event-view.ts';
import { createSharedBytes, type HeldBytes, ownBytes } from './shared-bytes.ts';

/** How events and signals are written to a connection. */
export interface EventFrames {
  /** The bytes of some events, in order; to be released when they are written. */
  events(events: readonly LoggedEvent[]): HeldBytes;
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

/** Stretches remembered: what those who keep up want, and those who are a little behind. */
const STRETCHES = 96;

/**
 * Writes a stretch of events once, however many connections want it at about the same time. Events that
 * a filter has picked out are written once each.
 */
function sharedFrames(
  frameOf: (event: LoggedEvent) => string,
): (events: readonly LoggedEvent[]) => HeldBytes {
  const single = new WeakMap<LoggedEvent, Buffer>();
  const stretches = createSharedBytes(STRETCHES);
  const frame = (event: LoggedEvent) => {
    const known = single.get(event);
    if (known !== undefined) return known;
    const made = Buffer.from(frameOf(event));
    single.set(event, made);
    return made;
  };
  return (events) => {
    const [first, last] = [events[0], events.at(-1)];
    if (first === undefined || last === undefined) return ownBytes(Buffer.alloc(0));
    const isStretch = last.position - first.position === BigInt(events.length - 1);
    if (!isStretch || first === last) return ownBytes(Buffer.concat(events.map(frame)));
    return stretches.of(first, last, () => events.map(frameOf));
  };
}
