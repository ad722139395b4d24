import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { changeQueue } from '../../../src/commands/change/change-queue.ts';
import { defineJob } from '../../../src/daybook.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';
import { createQueueConcurrency } from '../../../src/workers/claiming/queue-concurrency.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';

let daybook: TestDaybook;
let running = 0;
const waits = defineJob({
  type: 'waits',
  payload: z.unknown(),
  handler: async (_payload, { signal }) => {
    running += 1;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  },
});

beforeEach(async () => {
  running = 0;
  daybook = await openTestDaybook({ jobs: [waits] });
});
afterEach(() => daybook.close());

/** Two jobs more than a worker runs at a time by itself. */
async function submitTwelve(concurrency: number | null) {
  await daybook.submitMany(Array.from({ length: 12 }, () => ({ type: 'waits' })));
  if (concurrency !== null) await configure(concurrency);
}

const configure = (concurrency: number) =>
  changeQueue(daybook.context, 'default', {
    kind: 'configure',
    settings: { concurrency },
    reason: null,
  });

/** How many jobs run once a worker has all that it wants. */
async function startWorker(options: { concurrency?: number } = {}) {
  await daybook.worker({ pollMs: 20, shutdownMs: 0, abortGraceMs: 10, ...options }).start();
  const { rows } = await daybook.db.database.pool.query<{ slots: number }>(
    `select slots from ${daybook.db.schema}.worker_sessions`,
  );
  await vi.waitFor(() => expect(running).toBe(rows[0]?.slots));
  return running;
}

it.each([
  ['what the worker names', 2, { concurrency: 4 }, 4],
  ['what the queue’s settings say', 3, {}, 3],
  ['ten', null, {}, 10],
])('a worker runs as many jobs of a queue as %s', async (_, setting, options, expected) => {
  await submitTwelve(setting);
  expect(await startWorker(options)).toBe(expected);
});

it('a worker hears of settings that change while it works', async () => {
  await submitTwelve(2);
  expect(await startWorker()).toBe(2);
  await configure(7);
  await vi.waitFor(() => expect(running).toBe(7));
});

it('settings are read every five seconds, and kept when they cannot be read', async () => {
  await submitTwelve(2);
  const clock = createFakeClock();
  const { context } = daybook;
  const database = { ...context.database };
  let reads = 0;
  database.run = (statement, params) => {
    reads += 1;
    return reads === 2
      ? Promise.reject(new Error('no luck'))
      : context.database.run(statement, params);
  };
  const concurrency = createQueueConcurrency(
    { ...context, database },
    clock,
    ['default'],
    undefined,
  );
  await concurrency.start();
  await configure(5);
  expect([reads, concurrency.of('default')]).toEqual([1, 2]);
  clock.advance(4_999);
  expect(reads).toBe(1);
  clock.advance(1);
  await vi.waitFor(() =>
    expect(daybook.warnings).toContain('the settings of queues were not read'),
  );
  expect(concurrency.of('default')).toBe(2);
  await vi.waitFor(() => {
    clock.advance(100);
    expect(concurrency.of('default')).toBe(5);
  });
  await concurrency.stop();
});
