import { createHash } from 'node:crypto';
import { cloudEventType } from '../domain/cloud-event.ts';
import { isEventType } from '../domain/event-types.ts';
import { DaybookError } from '../kernel/errors.ts';
import { eventOfLine, NotAnEvent } from './event-line.ts';
import type { LogSource, SourcedEpoch, SourcedEvent, SourceEnd } from './log-source.ts';

/** An event as the relay appended it to KurrentDB, and as it is read there. */
export interface RelayedEvent {
  readonly stream: string;
  /** From 0. */
  readonly revision: bigint;
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: unknown;
}

export interface RelayedSourceOptions {
  readonly name: string;
  /** All events of all streams, each stream in its order; streams of others are left out here. */
  readonly events: () => AsyncIterable<RelayedEvent>;
  /** A lease token that nobody holds; see `eventOfLine`. */
  readonly newToken: () => string;
  /** Events that may wait for an earlier position; default a million. */
  readonly maxWaiting?: number;
}

const ofDaybook = /^(job|queue)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The log from its relayed streams. These were appended beside each other, so events are put in the
 * order of the positions in their metadata; those that come early wait in memory. What is not relayed is
 * made up from what is: when events got their positions (no later than the next event happened), and
 * where epochs began.
 */
export function createRelayedSource(options: RelayedSourceOptions): LogSource {
  const { name, newToken, maxWaiting = 1_000_000 } = options;
  const waiting = new Map<bigint, SourcedEvent>();
  const epochs: SourcedEpoch[] = [];
  const sum = createHash('sha256');
  let digest: string | undefined;
  let position = 0n;
  let recordedAtMs = 0;

  /** Those that are next, in order. */
  const due = (): SourcedEvent[] => {
    const ready: SourcedEvent[] = [];
    for (;;) {
      const next = waiting.get(position + 1n);
      if (next === undefined) return ready;
      waiting.delete(position + 1n);
      position += 1n;
      const { event } = next;
      recordedAtMs = Math.max(recordedAtMs, event.occurredAtMs);
      if (event.epoch !== epochs.at(-1)?.epoch) epochs.push(epochOf(event));
      sum.update(`${position} ${event.streamId} ${event.epoch} ${event.version}\n`);
      ready.push({ ...next, recordedAtMs });
    }
  };

  async function* batches(): AsyncGenerator<SourcedEvent[]> {
    for await (const relayed of options.events()) {
      if (!ofDaybook.test(relayed.stream)) continue;
      const sourced = sourcedOf(relayed, newToken);
      const its = sourced.event.position;
      if (its <= position || waiting.has(its))
        throw refused(relayed, `position ${its} is there twice`);
      waiting.set(its, sourced);
      if (waiting.size > maxWaiting) throw missing(position + 1n);
      const ready = due();
      if (ready.length > 0) yield ready;
    }
    if (waiting.size > 0) throw missing(position + 1n);
    digest = sum.digest('hex').slice(0, 32);
  }

  return {
    name,
    batches,
    end(): SourceEnd {
      if (digest === undefined) throw new Error('The source was not read to its end.');
      return { complete: true, events: Number(position), epochs, sum: digest };
    },
  };
}

/** An epoch of which nothing is known but where it begins. */
function epochOf({ epoch, occurredAtMs, position }: SourcedEvent['event']): SourcedEpoch {
  return {
    epoch,
    openedAtMs: occurredAtMs,
    systemIdentifier: 'not relayed',
    timeline: 0,
    afterPosition: position - 1n,
    reason: 'as relayed',
  };
}

function sourcedOf(relayed: RelayedEvent, newToken: () => string): SourcedEvent {
  const { stream, revision, id, type, data } = relayed;
  const about = (relayed.metadata ?? {}) as Readonly<Record<string, unknown>>;
  const streamId = stream.replace(/^(job|queue)-/, '');
  const { schemaVersion, tags, $correlationId: correlation } = about;
  if (!isEventType(type)) throw refused(relayed, `its type is ${type}`);
  try {
    const sourced = eventOfLine(
      {
        id,
        type: cloudEventType(type, Number(schemaVersion)),
        data,
        sequence: about['position'],
        partitionkey: streamId,
        streamversion: about['version'],
        epoch: about['epoch'],
        time: about['occurredAt'],
        recordedtime: about['occurredAt'],
        queue: about['queue'],
        jobtype: about['jobType'],
        tags: tags === undefined ? undefined : JSON.stringify(tags),
        elapsedms: about['elapsedMs'],
        authid: about['actor'],
        causationid: about['$causationId'],
        // A job that has none is its own.
        correlationid: correlation === streamId ? undefined : correlation,
      },
      newToken,
    );
    if (BigInt(sourced.event.version) === revision + 1n) return sourced;
    throw new NotAnEvent(`its version is ${sourced.event.version}`);
  } catch (error) {
    if (error instanceof NotAnEvent) throw refused(relayed, error.message, error);
    throw error;
  }
}

function refused({ stream, revision }: RelayedEvent, why: string, cause?: unknown): DaybookError {
  const message = `Event ${revision} of the stream ${stream}: ${why}. Nothing was restored.`;
  return new DaybookError('source-refused', message, { cause });
}

function missing(position: bigint): DaybookError {
  const message = `The event at position ${position} is not there, and later ones are: it was not relayed, or its stream is parked. Nothing was restored.`;
  return new DaybookError('source-refused', message);
}
