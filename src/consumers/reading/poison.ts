import { jobErrorFrom } from '../../domain/job/job-error.ts';
import type { Database } from '../../store/database.ts';
import type { EventConsumer, PositionRange } from '../consumer.ts';
import { moveCheckpoint } from '../statements/move-checkpoint.ts';
import { noteFailure } from '../statements/note-failure.ts';
import { parkEvents } from '../statements/park-events.ts';
import { setParkedState } from '../statements/set-parked-state.ts';
import { takeParked } from '../statements/take-parked.ts';
import { eventsOf, handlerIdleMs } from './event-reader.ts';

/** How often an event is tried alone before it counts as poison. */
export const attemptsAtPoison = 3;

/** Does with an event that its handler cannot take what the consumer's policy says. */
export async function putAside(
  database: Database,
  consumer: EventConsumer,
  build: number,
  range: PositionRange,
  error: unknown,
): Promise<void> {
  const { name, onPoison = 'stop' } = consumer;
  const { after, upTo } = range;
  const failure = { position: String(upTo), ...jobErrorFrom(error) };
  if (onPoison === 'stop') {
    await database.run(noteFailure, { name, build, after, halt: true, failure });
    return;
  }
  await database.transaction(async (tx) => {
    const moved = await tx.run(moveCheckpoint, { name, build, after, upTo, busyMs: 0 });
    if (moved.length === 0) return;
    const events = await eventsOf(tx, consumer, range);
    await tx.run(parkEvents, {
      consumer: name,
      build,
      positions: [upTo],
      streamIds: events.map((event) => event.streamId),
      state: onPoison === 'park' ? 'parked' : 'skipped',
      attempts: attemptsAtPoison,
      error: jobErrorFrom(error),
    });
  });
}

/** Tries one parked event that an operator wants tried again; false when there is none. */
export async function retryParked(
  database: Database,
  consumer: EventConsumer,
  build: number,
): Promise<boolean> {
  const { name } = consumer;
  let streamId = '';
  try {
    return await database.transaction(async (tx, client) => {
      const [taken] = await tx.run(takeParked, { consumer: name, build });
      if (taken === undefined) return false;
      const range = { after: taken.position - 1n, upTo: taken.position };
      const events = await eventsOf(tx, consumer, range);
      streamId = events[0]?.streamId ?? '';
      if (events.length > 0) await consumer.handle(events, { client, replaying: false });
      return true;
    }, handlerIdleMs);
  } catch (error) {
    // Before its handler was called nothing can be wrong with the event.
    if (streamId === '') throw error;
    const parked = { consumer: name, build, streamId, state: 'parked' as const };
    await database.run(setParkedState, { ...parked, error: jobErrorFrom(error) });
    return true;
  }
}
