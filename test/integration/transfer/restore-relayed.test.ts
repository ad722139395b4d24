import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withKurrentSource } from '../../../src/maintenance/kurrent-source.ts';
import { buildReadModels } from '../../../src/maintenance/build-read-models.ts';
import { restoreLog } from '../../../src/transfer/restore-log.ts';
import { verify } from '../../../src/verify/verify.ts';
import {
  type KurrentDouble,
  startKurrentDouble,
} from '../../support/kurrent-double/kurrent-double.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { realServer, relaySettings } from '../../support/relay-settings.ts';
import { openTarget, relayed, startRelay } from '../../support/relay-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';
import { move, play, queues } from '../projections-history.ts';
import { eventsOf, exported } from './transfers.ts';

let double: KurrentDouble | undefined;
let url: string;
let from: TestDatabase;
let to: TestDatabase;

// A server of its own: one that others relay to as well holds several logs, and a restore takes one.
beforeAll(async () => {
  const empty = process.env['DAYBOOK_EVENTSTORE_EMPTY'] === '1' ? realServer() : undefined;
  double = empty === undefined ? await startKurrentDouble() : undefined;
  url = empty ?? double?.url ?? '';
  from = await createTestDatabase();
  to = await createTestDatabase();
});
afterAll(async () => {
  await to.drop();
  await from.drop();
  await double?.stop();
});

const restored = (address: string, source?: string) =>
  withKurrentSource({ url: address }, source, (log) =>
    restoreLog(to.database, log, { mode: 'restore', partitionSpan: 2 ** 16 }),
  );

/** What is relayed of an event: all but when its batch was written. */
function relayedPart(line: string): unknown {
  const { recordedtime: _, chain: __, ...rest } = JSON.parse(line) as Record<string, unknown>;
  return rest;
}

it('builds a log anew from what was relayed of it', async () => {
  await from.context.names.queueIds(queues);
  const [moves = []] = fc.sample(fc.array(move, { minLength: 60, maxLength: 60 }), 1);
  await play(from, moves);
  await sequenceAll(from.database);
  const relay = await startRelay(from, relaySettings(url));
  await relayed(from);
  await relay.stop();

  const lines = eventsOf(await exported(from.database));
  expect(await restored(url)).toMatchObject({ events: lines.length, epoch: 2 });
  await buildReadModels(to.database, () => undefined);
  const report = await verify(to.database, { safety: true });
  expect(report.differences).toEqual([]);
  expect(report.safety?.violations).toEqual([]);
  expect(eventsOf(await exported(to.database)).map(relayedPart)).toEqual(lines.map(relayedPart));
  // It is the same log, and so there is nothing more to relay but what is new.
  expect(await restored(url)).toMatchObject({ claims: null });
  const again = await startRelay(to, relaySettings(url));
  await relayed(to);
  await again.stop();
  const target = await openTarget(url);
  const all: string[] = [];
  for await (const { stream } of target.readAll()) {
    if (/^(job|queue)-/.test(stream)) all.push(stream);
  }
  await target.close();
  expect(all).toHaveLength(lines.length);
});

it('says that the server cannot be reached', async () => {
  const other = await startKurrentDouble();
  await other.stop();
  await expect(restored(other.url)).rejects.toMatchObject({ code: 'relay-target-unavailable' });
});
