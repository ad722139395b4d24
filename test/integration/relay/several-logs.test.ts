import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { EventTarget } from '../../../src/relay/target/event-target.ts';
import type { RelayReport } from '../../../src/relay/verify/relay-report.ts';
import { verifyRelay } from '../../../src/relay/verify/verify-relay.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';
import {
  openTarget,
  readTargetStream,
  type RelayTarget,
  withRelayTarget,
} from '../../support/relay-steps.ts';

// The way beyond one primary: a routing table, a log for each database, and one KurrentDB behind them.
describe('queues that are spread over databases', () => {
  let at: RelayTarget;
  let target: EventTarget;
  const homes = new Map<string, TestDaybook>();
  withRelayTarget((found) => {
    at = found;
  });
  beforeAll(async () => {
    target = await openTarget(at.url);
    for (const queue of ['mail', 'reports']) {
      const schema = `routed_${queue}`;
      homes.set(queue, await openTestDaybook({ schema, migrate: true, relay: { url: at.url } }));
    }
  });
  afterAll(async () => {
    for (const home of homes.values()) await home.close();
    await target.close();
  });

  const submit = async (queue: string) => {
    const home = homes.get(queue);
    if (home === undefined) throw new Error(`There is no home for ${queue}.`);
    const { id } = await home.submit({ queue, type: 'note', payload: { queue } });
    await home.cancel(id);
    return id;
  };
  const verified = ({ context: { database } }: TestDaybook): Promise<RelayReport> =>
    verifyRelay({ database, target, clock: systemClock, timeoutMs: 60_000 });

  it('are in one KurrentDB, each job in its stream, and each log proved for itself', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 10; n += 1) ids.push(await submit('mail'), await submit('reports'));
    // The queue, and two events for each of its jobs.
    for (const home of homes.values()) {
      const same = async () => (await verified(home)).same;
      await expect.poll(same, { interval: 100 }).toBe(21);
    }
    for (const [index, id] of ids.entries()) {
      const events = await readTargetStream(target, `job-${id}`);
      const source = `/daybook/routed_${index % 2 === 0 ? 'mail' : 'reports'}`;
      expect(events.map(({ type }) => type)).toEqual(['JobSubmitted', 'JobCancelled']);
      expect(events[0]?.metadata).toMatchObject({ source });
    }
    for (const home of homes.values()) {
      expect(await verified(home)).toMatchObject({ missing: 0, differing: 0, same: 21 });
      if (at.double !== undefined) expect((await verified(home)).equal).toBe(true);
    }
  });
});
