import { afterAll, beforeAll, expect } from 'vitest';
import { createRelay, type RelaySettings } from '../../src/relay/relay.ts';
import { relayConsumer } from '../../src/relay/relay-consumer.ts';
import { prepareConsumers } from '../../src/consumers/builds/prepare-consumers.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import type { Service } from '../../src/kernel/service.ts';
import type { EventTarget, StoredTargetEvent } from '../../src/relay/target/event-target.ts';
import { type ClientName, loadTargetMaker } from '../../src/relay/target/open-target.ts';
import { readLogEvents } from '../../src/store/statements/verify/read-log-events.ts';
import type { KurrentDouble } from './kurrent-double/kurrent-double.ts';
import { openTestDaybook, type TestDaybook } from './open-daybook.ts';
import { realServer, relaySettings } from './relay-settings.ts';
import { newId, type TestProcess } from './test-database.ts';

/** A server to relay to: that of EVENTSTORE_URL, or else the double. */
export interface RelayTarget {
  readonly url: string;
  /** Undefined for a real server: what only the double can do is left out there. */
  readonly double: KurrentDouble | undefined;
}

/** A target for the tests of a file. */
export function withRelayTarget(use: (target: RelayTarget) => void): void {
  let double: KurrentDouble | undefined;
  beforeAll(async () => {
    const real = realServer();
    // Loaded only here: it cannot be in one process with the successor of the client.
    const { startKurrentDouble } = await import('./kurrent-double/kurrent-double.ts');
    double = real === undefined ? await startKurrentDouble() : undefined;
    use({ url: real ?? double?.url ?? '', double });
  });
  afterAll(() => double?.stop());
}

/** Starts a relay in a process of its own; whoever calls it stops it. */
export async function startRelay(
  { database, wakeUp, context }: TestProcess,
  settings: RelaySettings,
): Promise<Service> {
  const { observer } = context;
  await prepareConsumers(database, [relayConsumer], observer);
  const common = { database, wakeUp, observer, clock: systemClock, random: Math.random };
  const relay = await createRelay({ ...common, holder: newId(), settings });
  await relay.start();
  return relay;
}

/** What the tests of a file work with; a relay that is started again takes the place of the first. */
export interface Relayed {
  readonly at: RelayTarget;
  readonly target: EventTarget;
  readonly daybook: TestDaybook;
  relay: Service;
}

/** A Daybook, a relay of its log, and a client of the target, for the tests of a file. */
export function withRelay(settings: Partial<RelaySettings>, use: (found: Relayed) => void): void {
  let at: RelayTarget;
  let found: Relayed | undefined;
  withRelayTarget((target) => {
    at = target;
  });
  beforeAll(async () => {
    const target = await openTarget(at.url);
    const daybook = await openTestDaybook();
    const relay = await startRelay(daybook.db, relaySettings(at.url, settings));
    found = { at, target, daybook, relay };
    use(found);
  });
  afterAll(async () => {
    await found?.relay.stop();
    await found?.target.close();
    await found?.daybook.close();
  });
}

/** A client of the target, for reading it as others do. */
export async function openTarget(
  url: string,
  client: ClientName = 'eventstore',
): Promise<EventTarget> {
  return (await loadTargetMaker({ url, client, appends: 'single' })).open();
}

export async function readTargetStream(
  target: EventTarget,
  stream: string,
): Promise<StoredTargetEvent[]> {
  const found: StoredTargetEvent[] = [];
  for await (const event of target.readStream(stream)) found.push(event);
  return found;
}

/** Waits until the relay has settled the whole log as it is now. */
export async function relayed({ database }: TestProcess, timeout = 30_000): Promise<void> {
  await expect
    .poll(
      async () => {
        const { rows } = await database.pool.query<{ left: string | null }>(
          `select h.position - c.position as left from daybook.log_head h
           left join daybook.consumer_checkpoints c on c.name = 'relay'
           where not exists (select from daybook.event_inbox)`,
        );
        return rows[0]?.left ?? 'not sequenced';
      },
      { timeout, interval: 20 },
    )
    .toBe('0');
}

/** The events of the log as the target should have them, by stream: ids in the order of versions. */
export async function expectedStreams({ database }: TestProcess): Promise<Map<string, string[]>> {
  const { eventId } = await import('../../src/kernel/ids.ts');
  const streams = new Map<string, string[]>();
  const rows = await database.run(readLogEvents, { after: 0n, upTo: 2n ** 62n, limit: 10_000_000 });
  for (const row of rows) {
    const stream = `${row.job_type === null ? 'queue' : 'job'}-${row.stream_id}`;
    const ids = streams.get(stream) ?? [];
    ids[row.version - 1] = eventId(row.stream_id, row.epoch, row.version);
    streams.set(stream, ids);
  }
  return streams;
}

/** What of the log is not in the target as it should be: nothing, once all is relayed. */
export async function differences(process: TestProcess, target: EventTarget): Promise<string[]> {
  const found: string[] = [];
  for (const [stream, ids] of await expectedStreams(process)) {
    const stored = await readTargetStream(target, stream);
    const got = stored.map(({ id }) => id);
    if (got.join() !== ids.join()) found.push(`${stream}: ${got.join()} instead of ${ids.join()}`);
  }
  return found;
}
