import { withoutSecrets } from '../domain/cloud-event.ts';
import type { RecordedEvent } from '../domain/event-types.ts';
import { eventId } from '../kernel/ids.ts';
import type { ExpectedRevision, TargetEvent } from './target/event-target.ts';

/** An event of the log on its way to the target. */
export interface RelayEvent {
  readonly position: bigint;
  readonly streamId: string;
  readonly version: number;
  readonly epoch: number;
  /** The target's name for the stream. */
  readonly stream: string;
  readonly event: TargetEvent;
  /** About as many bytes as it has in the target. */
  readonly bytes: number;
}

/** What a job is given, or gives back: beside the log, and told with the event that brought it. */
export interface EventBody {
  readonly payload?: unknown;
  readonly result?: unknown;
}

/** The stream of the target: one for each stream of Daybook. */
function targetStream({ streamId, jobType }: RecordedEvent): string {
  return `${jobType === null ? 'queue' : 'job'}-${streamId}`;
}

/** Versions are counted from 1, revisions from 0. */
export function revisionOf(version: number): bigint {
  return BigInt(version) - 1n;
}

/** What must be in the target before an event of this version is. */
export function expectedBefore(version: number): ExpectedRevision {
  return version === 1 ? 'no-stream' : BigInt(version) - 2n;
}

/** What an event takes beside its texts: id, type and the names in its metadata. */
const ENVELOPE_BYTES = 600;

/** What events in the target say of their log, as CloudEvents of it do. @param schema of the database */
export function sourceOf(schema: string): string {
  return `/daybook/${schema}`;
}

/**
 * An event as the target gets it: its data, with the body where it is to travel, and what else is known
 * of it as metadata. Its id follows from stream, epoch and version, so it is the same each time.
 * @param source of its log, see `sourceOf`
 */
export function relayEvent(
  recorded: RecordedEvent & { readonly position: bigint },
  source: string,
  body: EventBody = {},
): RelayEvent {
  const { streamId, version, epoch, position, type } = recorded;
  const data = { ...withoutSecrets(recorded.data), ...body };
  const event = {
    id: eventId(streamId, epoch, version),
    type,
    data,
    metadata: metadataOf(recorded, source),
  };
  const bytes = ENVELOPE_BYTES + Buffer.byteLength(JSON.stringify(data));
  return { position, streamId, version, epoch, stream: targetStream(recorded), event, bytes };
}

/** Names with `$` are the target's own: by these two its projections find what belongs together. */
function metadataOf(recorded: RecordedEvent & { readonly position: bigint }, source: string) {
  const { streamId, correlation, causation, actor, elapsedMs, jobType, tags } = recorded;
  return {
    $correlationId: correlation ?? streamId,
    // A chain of work may bear the name of its first job: then the id alone would not tell.
    correlated: correlation !== null,
    ...(causation === null ? {} : { $causationId: causation }),
    ...(actor === null ? {} : { actor }),
    source,
    position: String(recorded.position),
    version: recorded.version,
    epoch: recorded.epoch,
    schemaVersion: recorded.schemaVersion,
    occurredAt: new Date(recorded.occurredAtMs).toISOString(),
    queue: recorded.queue,
    ...(jobType === null ? {} : { jobType }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(elapsedMs === null ? {} : { elapsedMs }),
  };
}
