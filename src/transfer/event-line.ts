import { createHash } from 'node:crypto';
import { type CloudEvent, cloudEventOf, eventTypeOfCloud } from '../domain/cloud-event.ts';
import { parsePosition } from '../domain/log-token.ts';
import { eventId, sha256 } from '../kernel/ids.ts';
import { isUuid } from '../kernel/uuid.ts';
import { bodiesNamedBy } from './bodies/body-ledger.ts';
import type { SourcedEvent } from './log-source.ts';

/** The CloudEvents types of the first and the last line of an export. */
export const headerType = 'dev.daybook.export.begun.v1';
export const trailerType = 'dev.daybook.export.ended.v1';

/** Hex digits of a link: 128 bits. */
const LINK_DIGITS = 32;
const linkPattern = /,"chain":"([0-9a-f]{32})"\}$/;
/** Length of `,"chain":"…"}`. */
const LINK_LENGTH = 11 + LINK_DIGITS + 1;

/** A line, and the link that the next one is chained to. */
export interface ChainedLine {
  readonly line: string;
  readonly link: string;
}

/**
 * Ends a line with the hash of itself and of the link before, as the extension `chain`: a line that is
 * changed, missing, doubled or out of place is found where it stands.
 * @param json an object as JSON
 */
export function chained(json: string, before: string): ChainedLine {
  const link = linkOf(json, before);
  return { line: `${json.slice(0, -1)},"chain":"${link}"}`, link };
}

/** The link of a line that stands behind `before`; undefined for any other. */
export function linkBehind(line: string, before: string): string | undefined {
  const [, link] = linkPattern.exec(line.slice(-LINK_LENGTH)) ?? [];
  return link === linkOf(`${line.slice(0, -LINK_LENGTH)}}`, before) ? link : undefined;
}

function linkOf(json: string, before: string): string {
  return createHash('sha256').update(before).update(json).digest('hex').slice(0, LINK_DIGITS);
}

/** An event as a CloudEvent with its bodies, as JSON; without the link. */
export function eventJson(
  { event, recordedAtMs, payload, result }: SourcedEvent,
  installation: string,
): string {
  const { data, ...rest } = cloudEventOf(event, {
    id: eventId(event.streamId, event.epoch, event.version),
    installation,
    time: new Date(event.occurredAtMs).toISOString(),
  });
  const recordedtime = new Date(recordedAtMs).toISOString();
  // Bodies are put in as they are: to read them only to write them again costs more than all the rest.
  const bodies =
    (payload === null ? '' : `,"payload":${payload}`) +
    (result === null ? '' : `,"result":${result}`);
  const said = JSON.stringify(data).slice(0, -1) + bodies;
  const whole = said.startsWith('{,') ? `{${said.slice(2)}}` : `${said}}`;
  return `${JSON.stringify({ ...rest, recordedtime }).slice(0, -1)},"data":${whole}}`;
}

/** Why a line is no event of Daybook's. */
export class NotAnEvent extends Error {}

/**
 * The event that a CloudEvent stands for. What is left out of exports is made up: a claim is given
 * a lease token that nobody holds.
 * @throws NotAnEvent with the reason
 */
export function eventOfLine(line: Record<string, unknown>, newToken: () => string): SourcedEvent {
  const field = fieldsOf(line);
  const known = eventTypeOfCloud(field.text('type'));
  if (known === undefined) throw new NotAnEvent(`its type is ${String(line['type'])}`);
  const { payload, result, ...said } = field.object('data');
  const data = known.type === 'JobClaimed' ? { ...said, leaseToken: newToken() } : (said as object);
  const position = parsePosition(field.text('sequence'));
  if (position === undefined || position === 0n)
    throw new NotAnEvent('its sequence is no position');
  const event = {
    ...known,
    data,
    streamId: field.text('partitionkey'),
    version: field.count('streamversion'),
    position,
    epoch: field.count('epoch'),
    occurredAtMs: field.time('time'),
    queue: field.text('queue'),
    jobType: field.textOrNull('jobtype'),
    tags: field.texts('tags'),
    elapsedMs: field.numberOrNull('elapsedms'),
    actor: field.textOrNull('authid'),
    causation: field.textOrNull('causationid'),
    correlation: field.textOrNull('correlationid'),
  } as unknown as SourcedEvent['event'];
  if (!isUuid(event.streamId)) throw new NotAnEvent('its partitionkey is no UUID');
  if (field.text('id') !== eventId(event.streamId, event.epoch, event.version)) {
    throw new NotAnEvent('its id is not that of its stream, epoch and version');
  }
  if (known.type.startsWith('Queue') !== (event.jobType === null)) {
    throw new NotAnEvent('its jobtype does not go with its type');
  }
  const recordedAtMs = field.time('recordedtime');
  const { payloadHash, resultHash } = bodiesNamedBy(event);
  return {
    event,
    recordedAtMs,
    payload: bodyOf(payload, payloadHash, 'payload'),
    result: bodyOf(result, resultHash, 'result'),
  };
}

function bodyOf(value: unknown, hash: string | undefined, what: string): string | null {
  if (value === undefined) return null;
  const text = JSON.stringify(value);
  if (sha256(text) !== hash) throw new NotAnEvent(`its ${what} does not fit the hash`);
  return text;
}

/** True where an event names no body, or has the one that it names. */
export function hasBodies({ event, payload, result }: SourcedEvent): {
  payload: boolean;
  result: boolean;
} {
  const { payloadHash, resultHash } = bodiesNamedBy(event);
  return {
    payload: payloadHash === undefined || payload !== null,
    result: resultHash === undefined || result !== null,
  };
}

/** Reads fields, and refuses those of another kind. */
function fieldsOf(line: Record<string, unknown>) {
  const wrong = (name: string) => new NotAnEvent(`its ${name} cannot be read`);
  const get = (name: keyof CloudEvent | 'recordedtime') => line[name] ?? null;
  const text = (name: Parameters<typeof get>[0]) => {
    const value = get(name);
    if (typeof value !== 'string') throw wrong(name);
    return value;
  };
  const numberOrNull = (name: Parameters<typeof get>[0]) => {
    const value = get(name);
    if (value === null) return null;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 2 ** 31 - 1) {
      throw wrong(name);
    }
    return value;
  };
  return {
    text,
    numberOrNull,
    textOrNull: (name: Parameters<typeof get>[0]) => (get(name) === null ? null : text(name)),
    count(name: Parameters<typeof get>[0]) {
      const value = numberOrNull(name);
      if (value === null || value === 0) throw wrong(name);
      return value;
    },
    time(name: Parameters<typeof get>[0]) {
      const ms = Date.parse(text(name));
      if (Number.isNaN(ms)) throw wrong(name);
      return ms;
    },
    texts(name: Parameters<typeof get>[0]): readonly string[] {
      const value: unknown = get(name) === null ? [] : jsonOf(text(name));
      if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
      throw wrong(name);
    },
    object(name: Parameters<typeof get>[0]): Record<string, unknown> {
      const value = get(name);
      if (typeof value !== 'object' || Array.isArray(value)) throw wrong(name);
      return (value ?? {}) as Record<string, unknown>;
    },
  };
}

/** What a JSON text says; undefined for what is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Whoever asked refuses what is undefined.
    return undefined;
  }
}
