import { eventTypeCodes } from '../../domain/event-types.ts';
import { decodeEvent, type RecordedEvent } from '../../store/event-codec.ts';
import type { Executor } from '../../store/statement.ts';
import { readRange } from '../../store/statements/read-range.ts';
import type { EventConsumer, PositionRange } from '../consumer.ts';
import { findParkedStreams } from '../statements/find-parked-streams.ts';
import { parkEvents } from '../statements/park-events.ts';
import type { BuildReader } from './apply-range.ts';

/** How long a handler may go without a statement before the server ends its transaction, in ms. */
export const handlerIdleMs = 600_000;

/**
 * Hands the events of a range to a consumer written in TypeScript. Those of a stream of which one is
 * parked are parked behind it, so that each stream is handled in order or not at all.
 */
export function createEventReader(consumer: EventConsumer, build: number): BuildReader {
  const { name } = consumer;
  return {
    name,
    build,
    idleMs: handlerIdleMs,
    async apply({ tx, client }, range, { replaying }) {
      const events = await eventsOf(tx, consumer, range);
      if (events.length === 0) return;
      const streamIds = [...new Set(events.map((event) => event.streamId))];
      const parked = new Map(
        (await tx.run(findParkedStreams, { consumer: name, build, streamIds })).map((row) => [
          row.stream_id,
          row.retrying ? ('retrying' as const) : ('parked' as const),
        ]),
      );
      for (const state of ['parked', 'retrying'] as const) {
        const behind = events.filter((event) => parked.get(event.streamId) === state);
        await park(tx, { consumer: name, build, state }, behind);
      }
      const free = events.filter((event) => !parked.has(event.streamId));
      if (free.length > 0) await consumer.handle(free, { client, replaying });
    },
  };
}

/** The events of a range that a consumer wants; types that a newer version wrote are left out. */
export async function eventsOf(
  tx: Executor,
  { types }: EventConsumer,
  range: PositionRange,
): Promise<RecordedEvent[]> {
  const codes = types?.map((type) => eventTypeCodes[type]) ?? null;
  const rows = await tx.run(readRange, { ...range, types: codes });
  return rows.flatMap((row) => decodeEvent(row) ?? []);
}

async function park(
  tx: Executor,
  to: { consumer: string; build: number; state: 'parked' | 'retrying' },
  events: readonly RecordedEvent[],
): Promise<void> {
  if (events.length === 0) return;
  await tx.run(parkEvents, {
    ...to,
    positions: events.map((event) => event.position ?? 0n),
    streamIds: events.map((event) => event.streamId),
    attempts: 0,
    error: null,
  });
}
