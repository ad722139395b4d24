import { defineStatement } from '../../src/store/statement.ts';
import type { RecordedEvent } from '../../src/store/event-codec.ts';
import type { TestDatabase } from './test-database.ts';

/** An event, and when the batch of the log that holds it was written. */
export interface TimedEvent {
  readonly event: RecordedEvent;
  readonly recordedAtMs: number;
}

const readBatches = defineStatement<
  Record<string, never>,
  { last_position: bigint; recorded_at: number }
>({
  name: 'test-read-batches',
  sql: (schema) =>
    `select last_position, recorded_at from ${schema}.log_batches order by last_position`,
  values: () => [],
});

/** Puts the time of its batch beside each event of the log. @param events from position 1, in order */
export async function timed(
  { database }: TestDatabase,
  events: readonly RecordedEvent[],
): Promise<TimedEvent[]> {
  const batches = await database.run(readBatches, {});
  let next = 0;
  return events.map((event) => {
    while ((batches[next]?.last_position ?? 0n) < (event.position ?? 0n)) next += 1;
    return { event, recordedAtMs: batches[next]?.recorded_at ?? Number.NaN };
  });
}

const letTimePass = defineStatement<{ readonly ms: number }, never>({
  name: 'test-let-time-pass',
  sql: (schema) => `update ${schema}.log_head set recorded_at = recorded_at + $1 * interval '1 ms'`,
  values: ({ ms }) => [ms],
});

/** From now on, batches of the log are written so much later: the log's time never goes back. */
export async function passLogTime({ database }: TestDatabase, ms: number): Promise<void> {
  await database.run(letTimePass, { ms });
}
