import { describe, expect, it } from 'vitest';
import type { EventTarget } from '../../../src/relay/target/event-target.ts';
import type { TestDaybook } from '../../support/open-daybook.ts';
import { realServer, relaySettings } from '../../support/relay-settings.ts';
import {
  differences,
  readTargetStream,
  relayed,
  type Relayed,
  type RelayTarget,
  startRelay,
  withRelay,
} from '../../support/relay-steps.ts';

// What only the double does on demand.
describe.skipIf(realServer() !== undefined)('the checkpoint of the relay', () => {
  let at: RelayTarget;
  let target: EventTarget;
  let daybook: TestDaybook;
  let running: Relayed;
  withRelay({}, (found) => {
    running = found;
    ({ at, target, daybook } = found);
  });

  const soon = { interval: 20 };
  const lag = async () => {
    const found = (await daybook.consumers.list()).find(({ name }) => name === 'relay');
    if (found === undefined) throw new Error('There is no relay.');
    return found;
  };
  const submit = async () => (await daybook.submit({ type: 'note', payload: {} })).id;

  it('stays before what one stream has not taken, while the others go on', async () => {
    const slow = await submit();
    const [born] = await daybook.history(slow);
    await relayed(daybook.db);
    at.double?.chooseFaults(({ stream }) => (stream === `job-${slow}` ? 'busy' : undefined));
    await daybook.cancel(slow);
    const others = [await submit(), await submit(), await submit()];
    for (const id of others) await daybook.cancel(id);
    const last = `job-${others.at(-1)}`;
    await expect.poll(async () => (await readTargetStream(target, last)).length, soon).toBe(2);
    const { position: next } = (await daybook.history(slow)).at(-1) ?? {};
    expect(next).toBeGreaterThan(born?.position ?? 0n);
    expect((await lag()).position).toBeLessThan(next ?? 0n);
    // Whoever takes over begins there, and writes nothing twice.
    await running.relay.stop();
    expect((await lag()).position).toBeLessThan(next ?? 0n);
    running.relay = await startRelay(daybook.db, relaySettings(at.url));
    at.double?.chooseFaults(() => undefined);
    await relayed(daybook.db);
    expect(await differences(daybook.db, target)).toEqual([]);
  });

  it('is how far behind it is, in events and in seconds, and whether it moves', async () => {
    expect(await lag()).toMatchObject({ lagEvents: 0n, lagSeconds: 0, moving: true });
    await at.double?.stop();
    for (let n = 0; n < 3; n += 1) await submit();
    await expect.poll(async () => (await lag()).lagEvents, soon).toBe(3n);
    await expect.poll(async () => (await lag()).lagSeconds, soon).toBeGreaterThan(0.3);
    // As if it had stood still for ten seconds.
    await daybook.db.database.pool.query(
      `update daybook.consumer_checkpoints set updated_at = updated_at - interval '11 s' where name = 'relay'`,
    );
    expect(await lag()).toMatchObject({ lagEvents: 3n, moving: false, halted: null });
    await at.double?.start();
    await relayed(daybook.db);
    expect(await lag()).toMatchObject({ lagEvents: 0n, lagSeconds: 0, moving: true });
  });
});
