import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ConsumerLag } from '../../../src/consumers/lag.ts';
import { eventId } from '../../../src/kernel/ids.ts';
import type { EventTarget } from '../../../src/relay/target/event-target.ts';
import type { TestDaybook } from '../../support/open-daybook.ts';
import { differences, relayed, type RelayTarget, withRelay } from '../../support/relay-steps.ts';
import { realServer } from '../../support/relay-settings.ts';

describe('the relay, where the target is not what it should be', () => {
  let at: RelayTarget;
  let target: EventTarget;
  let daybook: TestDaybook;
  withRelay({ maxEventBytes: 20_000 }, (found) => {
    ({ at, target, daybook } = found);
  });

  const lag = async (): Promise<ConsumerLag | undefined> =>
    (await daybook.consumers.list()).find(({ name }) => name === 'relay');
  const failure = async () => (await lag())?.failure ?? null;
  const soon = { interval: 20 };
  /** An event as a stranger writes it, and a revision of the target that nobody can take back but the double. */
  const write = (stream: string, id: string) =>
    target.append(stream, [{ id, type: 'Foreign', data: {}, metadata: {} }], 'no-stream');
  const submitPaused = async () => {
    await daybook.consumers.pause('relay');
    return daybook.submit({ type: 'note', payload: {} });
  };

  it('stops at an event that somebody else wrote, and goes on once it is gone', async () => {
    const { id } = await submitPaused();
    await write(`job-${id}`, randomUUID());
    await daybook.consumers.resume('relay');
    await expect.poll(failure, soon).toMatchObject({ name: 'foreign-event', stream: `job-${id}` });
    expect(await lag()).toMatchObject({ halted: 'failed', moving: false });
    if (at.double === undefined) return;
    at.double.events.forget(`job-${id}`);
    await daybook.consumers.resume('relay');
    await relayed(daybook.db);
    expect(await differences(daybook.db, target)).toEqual([]);
  });

  it.skipIf(realServer() !== undefined)(
    'knows an event of an epoch that the log has lost',
    async () => {
      const { id } = await submitPaused();
      await write(`job-${id}`, eventId(id, 2, 1));
      await daybook.consumers.resume('relay');
      await expect.poll(failure, soon).toMatchObject({ name: 'lost-epoch', stream: `job-${id}` });
      at.double?.events.forget(`job-${id}`);
      await daybook.consumers.resume('relay');
      await relayed(daybook.db);
    },
  );

  it.skipIf(realServer() !== undefined)('stops at a gap', async () => {
    const { id } = await daybook.submit({ type: 'note', payload: {} });
    await relayed(daybook.db);
    at.double?.events.forget(`job-${id}`);
    await daybook.cancel(id);
    await expect.poll(failure, soon).toMatchObject({ name: 'gap', stream: `job-${id}` });
  });
});
