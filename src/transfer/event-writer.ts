import { eventTypeCodes } from '../domain/event-types.ts';
import type { Executor } from '../store/statement.ts';
import { addPartition } from '../store/statements/add-partition.ts';
import { restoreBatches, restoreEvents } from '../store/statements/transfer/restore-events.ts';
import { createBodyWriter } from './bodies/body-writer.ts';
import { createNameWriter } from './name-writer.ts';
import type { SourcedEvent } from './log-source.ts';

/** Writes events, in their order, with all that stands beside them but claims and read models. */
export interface EventWriter {
  write(tx: Executor, events: readonly SourcedEvent[]): Promise<void>;
  /** Writes what is known only once all events were read. */
  end(tx: Executor): Promise<void>;
  /** The last position. */
  readonly position: bigint;
  readonly events: number;
}

/** Of the default tenant, which is the one that there is. */
const TENANT = 1;

/** @param span positions per partition */
export function createEventWriter(span: bigint): EventWriter {
  const names = createNameWriter(TENANT);
  const bodies = createBodyWriter(TENANT);
  const batches = createBatchMap();
  let events = 0;
  let position = 0n;
  let partition = -1n;

  return {
    get events() {
      return events;
    },
    get position() {
      return position;
    },
    async write(tx, sourced) {
      const last = sourced.at(-1)?.event.position ?? position;
      for (const each of sourced) {
        names.take(each.event);
        bodies.take(each);
        batches.take(each);
      }
      await names.write(tx);
      for (; partition < (last - 1n) / span; ) {
        partition += 1n;
        await tx.run(addPartition, { k: partition, span });
      }
      await tx.run(restoreEvents, { rows: sourced.map(({ event }) => rowOf(event)) });
      await bodies.write(tx);
      await tx.run(restoreBatches, { batches: batches.ended() });
      events += sourced.length;
      position = last;
    },
    async end(tx) {
      await tx.run(restoreBatches, { batches: batches.last() });
      await names.settle(tx);
    },
  };

  function rowOf(event: SourcedEvent['event']) {
    return {
      position: event.position,
      occurredAt: new Date(event.occurredAtMs).toISOString(),
      streamId: event.streamId,
      version: event.version,
      queueId: names.queueId(event.queue),
      typeId: names.typeId(event.jobType),
      epoch: event.epoch,
      type: eventTypeCodes[event.type],
      schemaVersion: event.schemaVersion,
      elapsedMs: event.elapsedMs,
      data: JSON.stringify(event.data),
      actor: event.actor,
      causation: event.causation,
      correlation: event.correlation,
      tags: JSON.stringify(event.tags),
    };
  }
}

interface Batch {
  readonly position: bigint;
  readonly recordedAt: string;
}

/** Events that were recorded at the same time are one batch, however many they were. */
function createBatchMap() {
  let done: Batch[] = [];
  let open: { position: bigint; recordedAtMs: number } | undefined;
  const close = () => {
    if (open === undefined) return;
    const recordedAt = new Date(open.recordedAtMs).toISOString();
    done.push({ position: open.position, recordedAt });
  };
  const ended = (): Batch[] => {
    const taken = done;
    done = [];
    return taken;
  };
  return {
    take({ event: { position }, recordedAtMs }: SourcedEvent) {
      if (open !== undefined && open.recordedAtMs !== recordedAtMs) close();
      // The map grows in both; a source that says otherwise is held to the time before.
      open = { position, recordedAtMs: Math.max(recordedAtMs, open?.recordedAtMs ?? 0) };
    },
    ended,
    last(): Batch[] {
      close();
      return ended();
    },
  };
}
