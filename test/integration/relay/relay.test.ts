import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EventTarget, StoredTargetEvent } from '../../../src/relay/target/event-target.ts';
import { defineJob } from '../../../src/daybook.ts';
import { sha256 } from '../../../src/kernel/ids.ts';
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

  it('tells results as well, and leaves bodies out where it is told to', async () => {
    const sum = defineJob({
      type: 'sum',
      payload: z.object({ of: z.array(z.number()) }),
      handler: ({ of }) => of.reduce((a, b) => a + b, 0),
    });
    const run = await openTestDaybook({ jobs: [sum] });
    try {
      await run.worker().start();
      const submit = async () => {
        const { id } = await run.submit({ type: 'sum', payload: { of: [1, 2] } });
        await run.waitFor(id);
        return `job-${id}`;
      };
      const told = await submit();
      const relay = await startRelay(run.db, relaySettings(at.url));
      await relayed(run.db);
      await relay.stop();
      const untold = await submit();
      services.push(await startRelay(run.db, relaySettings(at.url, { bodies: false })));
      await relayed(run.db);
      const bodies = async (stream: string) =>
        (await readTargetStream(target, stream)).map(({ type, data }) => {
          const { payload, result } = data as { payload?: unknown; result?: unknown };
          return [type, payload, result];
        });
      expect(await bodies(told)).toEqual([
        ['JobSubmitted', { of: [1, 2] }, undefined],
        ['JobClaimed', undefined, undefined],
        ['JobCompleted', undefined, 3],
      ]);
      expect((await bodies(untold)).flat().filter((part) => typeof part !== 'string')).toEqual(
        Array.from({ length: 6 }, () => undefined),
      );
      const [submitted, , completed] = await readTargetStream(target, untold);
      expect(submitted?.data).toMatchObject({ payloadHash: sha256('{"of":[1,2]}') });
      expect(completed?.data).toMatchObject({ resultHash: sha256('3') });
      // Whoever has the token of a claim can end it.
      expect(JSON.stringify(await readTargetStream(target, told).then(plain))).not.toContain(
        'leaseToken',
      );
    } finally {
      for (const service of services.splice(0)) await service.stop();
      await run.close();
    }
  });
});

describe('what a job submits', () => {
  let at: RelayTarget;
  withRelayTarget((found) => {
    at = found;
  });

  it('names in the target what it belongs to, and what led to it', async () => {
    const made: string[] = [];
    const payload = z.unknown();
    const child = defineJob({ type: 'child', payload, handler: () => null });
    const parent = defineJob({
      type: 'parent',
      payload,
      handler: async () => void made.push((await daybook.submit({ type: 'child' })).id),
    });
    const daybook = await openTestDaybook({ jobs: [parent, child], relay: { url: at.url } });
    const target = await openTarget(at.url);
    try {
      await daybook.worker().start();
      const { id } = await daybook.submit({ type: 'parent', correlationId: 'order-7' });
      await daybook.waitFor(id);
      await relayed(daybook.db);
      const claim = (await readTargetStream(target, `job-${id}`))[1];
      const [born] = await readTargetStream(target, `job-${made[0]}`);
      expect(claim?.type).toBe('JobClaimed');
      expect(born?.metadata).toMatchObject({ $correlationId: 'order-7', $causationId: claim?.id });
    } finally {
      await target.close();
      await daybook.close();
    }
  });
});

/** Without what JSON cannot say. */
function plain(events: readonly StoredTargetEvent[]): unknown[] {
  return events.map(({ data, metadata }) => ({ data, metadata }));
}
