import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Service } from '../../../src/kernel/service.ts';
import { createNodes, type Nodes } from '../../support/kurrent-double/gossip.ts';
import {
  type KurrentDouble,
  startKurrentDouble,
} from '../../support/kurrent-double/kurrent-double.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';
import { realServer, relaySettings } from '../../support/relay-settings.ts';
import { expectedStreams, relayed, startRelay } from '../../support/relay-steps.ts';

// Three doubles that say they are nodes of one cluster; real ones do not change leaders on demand.
describe.skipIf(realServer() !== undefined)('the relay, to a cluster', () => {
  let nodes: Nodes;
  let doubles: KurrentDouble[];
  let daybook: TestDaybook;
  let relay: Service;
  const portOf = (n: number) => Number(new URL(doubles[n]?.url ?? '').port);
  beforeAll(async () => {
    nodes = createNodes();
    doubles = [];
    for (let n = 0; n < 3; n += 1) doubles.push(await startKurrentDouble({ nodes }));
    nodes.leader = portOf(0);
    daybook = await openTestDaybook();
    const hosts = doubles.map((_, n) => `127.0.0.1:${portOf(n)}`).join(',');
    const settings = relaySettings(`esdb://${hosts}?tls=false`, { timeoutMs: 1_000 });
    relay = await startRelay(daybook.db, settings);
  });
  afterAll(async () => {
    await relay?.stop();
    await daybook?.close();
    for (const double of doubles) await double.stop();
  });

  /** Relays some jobs; answers the streams that the cluster does not have as the log has them. */
  const relaySome = async (): Promise<string[]> => {
    const jobs = Array.from({ length: 20 }, (_, n) => ({ type: 'note', payload: { n } }));
    for (const { id } of await daybook.submitMany(jobs)) await daybook.cancel(id);
    await relayed(daybook.db);
    return [...(await expectedStreams(daybook.db))]
      .filter(([stream, ids]) => {
        const stored = nodes.events.stream(stream) ?? [];
        return stored.map(({ id }) => id).join() !== ids.join();
      })
      .map(([stream]) => stream);
  };

  it('writes to the leader', async () => {
    expect(await relaySome()).toEqual([]);
    expect(doubles.map(({ played }) => played.get('not-leader') ?? 0)).toEqual([0, 0, 0]);
  });

  it('follows the lead to another node', async () => {
    nodes.leader = portOf(1);
    expect(await relaySome()).toEqual([]);
    expect(doubles[0]?.played.get('not-leader')).toBeGreaterThan(0);
    expect(doubles[1]?.played.get('not-leader') ?? 0).toBe(0);
  });

  it('finds the new leader when the old one dies', async () => {
    await doubles[1]?.stop();
    nodes.leader = portOf(2);
    expect(await relaySome()).toEqual([]);
  });
});
