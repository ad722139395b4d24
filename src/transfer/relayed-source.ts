import { createHash } from 'node:crypto';
import { cloudEventType } from '../domain/cloud-event.ts';
import { isEventType } from '../domain/event-types.ts';
import { DaybookError } from '../kernel/errors.ts';
import type { Executor } from '../store/statement.ts';
import { eventOfLine, NotAnEvent } from './event-line.ts';
import type { LogSource, SourcedEpoch, SourcedEvent, SourceEnd } from './log-source.ts';
import { createWaitingEvents, PositionTwice, type WaitingLimits } from './waiting-events.ts';

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
  /** Which log, by the `source` of its events, where several were relayed into the same target. */
  readonly source?: string | undefined;
  /** All events of all streams, each stream in its order; those of others are left out here. */
  readonly events: () => AsyncIterable<RelayedEvent>;
  /** A lease token that nobody holds; see `eventOfLine`. */
  readonly newToken: () => string;
  /** Of what is kept in memory while it waits for an earlier position. */
  readonly waiting?: WaitingLimits;
}

const ofDaybook = /^(job|queue)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** As many events as the relay has under way at the most; more wait only for one that was held up. */
const defaultWaiting: WaitingLimits = { events: 10_000, bytes: 16 * 1_048_576 };
/** Events of a batch. */
const BATCH = 1_000;

/**
 * The log from its relayed streams. These were appended beside each other, so events are put in the
 * order of the positions in their metadata. Those that come early wait, in memory or, where they are many,
 * in a table of the transaction: a stream that was parked may have come days after all others. What is not
 * relayed is made up from what is: when events got their positions (no later than the next event
 * happened), and where epochs began.
 */
export function createRelayedSource(options: RelayedSourceOptions): LogSource {
  const { name, newToken } = options;
  const waiting = createWaitingEvents(options.waiting ?? defaultWaiting);
  const isOfLog = createLogFilter(options.source);
  const epochs: SourcedEpoch[] = [];
  const sum = createHash('sha256');
  let digest: string | undefined;
  let position = 0n;
  let recordedAtMs = 0;

  /** Some of those that are next, in order. */
  const due = async (tx: Executor): Promise<SourcedEvent[]> => {
    const ready: SourcedEvent[] = [];
    while (ready.length < BATCH) {
      const next = await waiting.take(tx, position + 1n);
      if (next === undefined) break;
      position += 1n;
      const { event } = next;
      recordedAtMs = Math.max(recordedAtMs, event.occurredAtMs);
      if (event.epoch !== epochs.at(-1)?.epoch) epochs.push(epochOf(event));
      sum.update(`${position} ${event.streamId} ${event.epoch} ${event.version}\n`);
      ready.push({ ...next, recordedAtMs });
    }
    return ready;
  };

  async function* inOrder(tx: Executor): AsyncGenerator<SourcedEvent[]> {
    for await (const relayed of options.events()) {
      if (!ofDaybook.test(relayed.stream) || !isOfLog(relayed)) continue;
      const sourced = sourcedOf(relayed, newToken);
      if (sourced.event.position <= position || !waiting.add(sourced)) {
        throw new PositionTwice(sourced);
      }
      while (waiting.has(position + 1n)) yield await due(tx);
      await waiting.settle(tx);
    }
    if (!waiting.isEmpty) throw missing(position + 1n);
    digest = sum.digest('hex').slice(0, 32);
  }

  async function* batches(tx: Executor): AsyncGenerator<SourcedEvent[]> {
    try {
      yield* inOrder(tx);
    } catch (error) {
      if (!(error instanceof PositionTwice)) throw error;
      const { jobType, streamId, version } = error.event;
      const stream = `${jobType === null ? 'queue' : 'job'}-${streamId}`;
      const why = `position ${error.event.position} is there twice`;
      throw refused({ stream, revision: BigInt(version) - 1n }, why, error);
    }
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

/** Lets the events of one log through, and those of older versions, which do not say theirs. */
function createLogFilter(given: string | undefined): (relayed: RelayedEvent) => boolean {
  let log = given;
  return ({ metadata }) => {
    const { source } = (metadata ?? {}) as { source?: unknown };
    if (typeof source !== 'string') return true;
    log ??= source;
    if (source === log) return true;
    if (given !== undefined) return false;
    const message = `The target has events of ${log} and of ${source}: name one of them with --source. Nothing was restored.`;
    throw new DaybookError('source-refused', message);
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
  // Older versions did not say whether the id was given or made up.
  const { correlated: isGiven = correlation !== streamId } = about;
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
        correlationid: isGiven === true ? correlation : undefined,
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

function refused(
  { stream, revision }: Pick<RelayedEvent, 'stream' | 'revision'>,
  why: string,
  cause?: unknown,
): DaybookError {
  const message = `Event ${revision} of the stream ${stream}: ${why}. Nothing was restored.`;
  return new DaybookError('source-refused', message, { cause });
}

function missing(position: bigint): DaybookError {
  const message = `The event at position ${position} is not there, and later ones are: it was not relayed, or its stream is parked. Nothing was restored.`;
  return new DaybookError('source-refused', message);
}
