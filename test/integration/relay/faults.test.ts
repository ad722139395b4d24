import { describe, expect, it } from 'vitest';
import type { EventTarget } from '../../../src/relay/target/event-target.ts';
import { faults } from '../../support/kurrent-double/faults.ts';
import type { TestDaybook } from '../../support/open-daybook.ts';
import { differences, relayed, type RelayTarget, withRelay } from '../../support/relay-steps.ts';
import { realServer } from '../../support/relay-settings.ts';

// What only the double does on demand.
describe.skipIf(realServer() !== undefined)('the relay, where the target fails', () => {
  let at: RelayTarget;
  let target: EventTarget;
  let daybook: TestDaybook;
  withRelay({ timeoutMs: 300, concurrency: 8 }, (found) => {
    ({ at, target, daybook } = found);
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

  const lag = async () => (await daybook.consumers.list()).find(({ name }) => name === 'relay');

  it('waits for a server that is away, and says so meanwhile', async () => {
    await at.double?.stop();
    await submitAndCancel(10);
    await expect
      .poll(async () => (await lag())?.failure, { interval: 20 })
      .toMatchObject({ message: expect.stringMatching(/\S/) as string });
    expect(await lag()).toMatchObject({ halted: null });
    await at.double?.start();
    await relayed(daybook.db);
    expect(await lag()).toMatchObject({ failure: null });
    expect(await differences(daybook.db, target)).toEqual([]);
  });
});
