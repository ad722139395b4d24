import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Service } from '../../../src/kernel/service.ts';
import type { EventTarget } from '../../../src/relay/target/event-target.ts';
import { faults } from '../../support/kurrent-double/faults.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';
import {
  differences,
  openTarget,
  relayed,
  type RelayTarget,
  startRelay,
  withRelayTarget,
} from '../../support/relay-steps.ts';
import { realServer, relaySettings } from '../../support/relay-settings.ts';

// What only the double does on demand.
describe.skipIf(realServer() !== undefined)('the relay, where the target fails', () => {
  let at: RelayTarget;
  let target: EventTarget;
  let daybook: TestDaybook;
  let relay: Service;
  withRelayTarget((found) => {
    at = found;
  });
  beforeAll(async () => {
    target = await openTarget(at.url);
    daybook = await openTestDaybook();
    const settings = relaySettings(at.url, { timeoutMs: 300, concurrency: 8 });
    relay = await startRelay(daybook.db, settings);
  });
  afterAll(async () => {
    await relay.stop();
    await target.close();
    await daybook.close();
  });

  /** Jobs with two events each, so that batches have parts. */
  async function submitAndCancel(count: number): Promise<void> {
    const jobs = Array.from({ length: count }, (_, n) => ({ type: 'note', payload: { n } }));
    const made = await daybook.submitMany(jobs);
    await Promise.all(made.map(({ id }) => daybook.cancel(id)));
  }

  it.each(faults)('gets over: %s', async (fault) => {
    let left = 3;
    at.double?.chooseFaults(() => (left-- > 0 ? fault : undefined));
    await submitAndCancel(10);
    await relayed(daybook.db);
    expect(await differences(daybook.db, target)).toEqual([]);
    expect(at.double?.played.get(fault)).toBe(3);
  });

  it('waits for a server that is away', async () => {
    await at.double?.stop();
    await submitAndCancel(10);
    await at.double?.start();
    await relayed(daybook.db);
    expect(await differences(daybook.db, target)).toEqual([]);
  });
});
