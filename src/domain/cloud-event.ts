import { type EventType, eventTypeCodes, type RecordedEvent } from './event-types.ts';

/**
 * An event of the log as CloudEvents 1.0 tells it (structured mode, JSON). Names of extensions are
 * those of the CloudEvents project where it has one.
 */
export interface CloudEvent {
  readonly specversion: '1.0';
  /** UUIDv5 of stream, epoch and version: the same wherever the event travels. */
  readonly id: string;
  /** `/daybook/<installation>/<queue>` */
  readonly source: string;
  /** `dev.daybook.job.failed.v1`; the number goes up with changes that break readers. */
  readonly type: string;
  /** The id of the job; the name of the queue for events of a queue. */
  readonly subject: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  /** The position in the log, padded with zeros so that texts sort as numbers do. */
  readonly sequence: string;
  /** The id of the stream: events with the same one are in order. */
  readonly partitionkey: string;
  /** Place in the stream, from 1. */
  readonly streamversion: number;
  readonly epoch: number;
  readonly queue: string;
  readonly jobtype?: string;
  /** The tags of the job, as a JSON array of texts: extensions cannot be lists. */
  readonly tags?: string;
  /** Of a claim: for how long the job had been due. Of the end of a claim: how long it lasted. In ms. */
  readonly elapsedms?: number;
  readonly correlationid?: string;
  readonly causationid?: string;
  /** `system` for what a worker or Daybook itself did. */
  readonly authtype: 'unknown' | 'system';
  /** Who asked. */
  readonly authid?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Digits of the largest position. */
const SEQUENCE_DIGITS = 19;

/** The CloudEvents type of an event type: JobFailed 1 -> dev.daybook.job.failed.v1. */
export function cloudEventType(type: EventType, schemaVersion: number): string {
  return `dev.daybook.${cloudNames[type]}.v${schemaVersion}`;
}

const cloudNames = Object.fromEntries(
  (Object.keys(eventTypeCodes) as EventType[]).map((type) => {
    const [aggregate, what] = type.startsWith('Queue')
      ? ['queue', type.slice('Queue'.length)]
      : ['job', type.replace(/^Job/, '')];
    const words = what.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
    return [type, `${aggregate}.${words}`];
  }),
) as Record<EventType, string>;

const typesByCloudName = new Map<string, EventType>(
  Object.entries(cloudNames).map(([type, name]) => [name, type as EventType]),
);

/** What a CloudEvents type stands for, other way round; undefined where this version knows none. */
export function eventTypeOfCloud(
  text: string,
): { readonly type: EventType; readonly schemaVersion: number } | undefined {
  const [, name = '', version = ''] =
    /^dev\.daybook\.([a-z.-]+)\.v([1-9]\d{0,3})$/.exec(text) ?? [];
  const type = typesByCloudName.get(name);
  return type === undefined ? undefined : { type, schemaVersion: Number(version) };
}

/**
 * An event as others get it. The lease token of a claim is a secret and is left out.
 * @param time when it happened, as RFC 3339
 */
export function cloudEventOf(
  event: RecordedEvent & { readonly position: bigint },
  given: { readonly id: string; readonly installation: string; readonly time: string },
): CloudEvent {
  const ofQueue = event.jobType === null;
  return {
    specversion: '1.0',
    id: given.id,
    source: `/daybook/${given.installation}/${event.queue}`,
    type: cloudEventType(event.type, event.schemaVersion),
    subject: ofQueue ? event.queue : event.streamId,
    time: given.time,
    datacontenttype: 'application/json',
    sequence: event.position.toString().padStart(SEQUENCE_DIGITS, '0'),
    partitionkey: event.streamId,
    streamversion: event.version,
    epoch: event.epoch,
    queue: event.queue,
    ...(event.jobType === null ? {} : { jobtype: event.jobType }),
    ...(event.tags.length === 0 ? {} : { tags: JSON.stringify(event.tags) }),
    ...(event.elapsedMs === null ? {} : { elapsedms: event.elapsedMs }),
    ...(event.correlation === null ? {} : { correlationid: event.correlation }),
    ...(event.causation === null ? {} : { causationid: event.causation }),
    ...(event.actor === null
      ? { authtype: 'system' as const }
      : { authtype: 'unknown' as const, authid: event.actor }),
    data: withoutSecrets(event.data),
  };
}

/** What an event says, but for the lease token of a claim: whoever has it can end the claim. */
export function withoutSecrets(data: object): Record<string, unknown> {
  if (!('leaseToken' in data)) return { ...data };
  const { leaseToken: _, ...rest } = data;
  return rest;
}
