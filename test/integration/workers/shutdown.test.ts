import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../../../src/daybook.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';

let daybook: TestDaybook;
afterEach(() => daybook.close());

/** A handler that the test lets go. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

it('finishes what runs, gives back what waits, and burns no attempt', async () => {
  const { open, opened } = gate();
  const held = defineJob({
    type: 'held',
    payload: z.unknown(),
    handler: () => opened.then(() => 'finished'),
  });
  daybook = await openTestDaybook({ jobs: [held] });
  const worker = daybook.worker({ concurrency: 1, pollMs: 20 });
  await worker.start();
  const first = await daybook.submit({ type: 'held' });
  await vi.waitFor(async () => expect((await daybook.get(first.id))?.phase).toBe('running'));
  const others = await daybook.submitMany([{ type: 'held' }, { type: 'held' }]);
  const stopping = worker.stop();
  open();
  await stopping;
  expect((await daybook.get(first.id))?.result).toBe('finished');
  for (const { id } of others) {
    const job = await daybook.get(id);
    expect(job?.phase).toBe('ready');
    expect(job?.state).toMatchObject({ failures: 0, suspect: false });
  }
});

it('aborts and releases what does not finish within the limit', async () => {
  let reason: unknown;
  const stubborn = defineJob({
    type: 'stubborn',
    payload: z.unknown(),
    handler: async (_payload, { signal }) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason;
      });
      await wait(3_600_000, undefined, { signal });
    },
  });
  daybook = await openTestDaybook({ jobs: [stubborn] });
  const worker = daybook.worker({ pollMs: 20, shutdownMs: 50, abortGraceMs: 50 });
  await worker.start();
  const { id } = await daybook.submit({ type: 'stubborn' });
  await vi.waitFor(async () => expect((await daybook.get(id))?.phase).toBe('running'));
  await worker.stop();
  expect(reason).toMatchObject({ reason: 'shutdown' });
  expect(await daybook.eventsOf(id)).toEqual(['JobSubmitted', 'JobClaimed', 'JobInterrupted']);
  expect((await daybook.get(id))?.state).toMatchObject({ failures: 0, suspect: false });
});
