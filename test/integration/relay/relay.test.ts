import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EventTarget } from '../../../src/relay/target/event-target.ts';
import type { Service } from '../../../src/kernel/service.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';
import {
  expectedStreams,
  openTarget,
  readTargetStream,
  relayed,
  type RelayTarget,
  startRelay,
  withRelayTarget,
} from '../../support/relay-steps.ts';
import { relaySettings } from '../../support/relay-settings.ts';

describe('the relay', () => {
  let at: RelayTarget;
  let target: EventTarget;
  let daybook: TestDaybook;
  const services: Service[] = [];
  withRelayTarget((found) => {
    at = found;
  });
  beforeAll(async () => {
    target = await openTarget(at.url);
  });
  afterAll(() => target.close());
  beforeEach(async () => {
    daybook = await openTestDaybook();
  });
  afterEach(async () => {
    for (const service of services.splice(0)) await service.stop();
    await daybook.close();
  });

  it('appends each stream in order, with ids, payloads and metadata', async () => {
    const job = await daybook.submit(
      { queue: 'mail', type: 'welcome', payload: { to: 'ada' }, tags: ['new'] },
      { actor: 'grace' },
    );
    await daybook.cancel(job.id, { reason: 'no longer' });
    services.push(await startRelay(daybook.db, relaySettings(at.url)));
    await relayed(daybook.db);

    const events = await readTargetStream(target, `job-${job.id}`);
    const expected = await expectedStreams(daybook.db);
    expect(events.map(({ id }) => id)).toEqual(expected.get(`job-${job.id}`));
    expect(events.map(({ type, revision }) => [type, revision])).toEqual([
      ['JobSubmitted', 0n],
      ['JobCancelled', 1n],
    ]);
    expect(events[0]?.data).toMatchObject({ type: 'welcome', payload: { to: 'ada' } });
    expect(events[0]?.metadata).toMatchObject({
      $correlationId: job.id,
      actor: 'grace',
      version: 1,
      epoch: 1,
      schemaVersion: 1,
      queue: 'mail',
      jobType: 'welcome',
      tags: ['new'],
      position: expect.stringMatching(/^\d+$/),
    });
    const queues = [...expected.keys()].filter((stream) => stream.startsWith('queue-'));
    expect(queues).toHaveLength(1);
    for (const queue of queues) {
      const found = await readTargetStream(target, queue);
      expect(found.map(({ type }) => type)).toEqual(['QueueCreated']);
    }
  });
});
