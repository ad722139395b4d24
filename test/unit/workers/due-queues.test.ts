import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { WriteContext } from '../../../src/commands/write-context.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import type { DueQueueRow } from '../../../src/store/statements/find-due-queues.ts';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';
import { createDueQueues } from '../../../src/workers/claiming/due-queues.ts';

const ids = new Map([
  ['mails', 1],
  ['images', 2],
]);

/** Looks every 100 ms, each of which takes as long and finds as much as it is told. */
async function setUp(look: (tell: (tookMs: number) => void) => Promise<DueQueueRow[]>) {
  const clock = createFakeClock();
  const seen = { looks: 0, due: [] as [string, boolean][], warnings: [] as string[] };
  const run = () => {
    seen.looks += 1;
    return look((tookMs) => clock.advance(tookMs));
  };
  const context = {
    database: { run },
    tenantId: 1,
    random: () => 0,
    names: { queueIds: () => Promise.resolve(ids) },
    observer: { ...silentObserver, warn: (message: string) => seen.warnings.push(message) },
  } as unknown as WriteContext;
  const queues = [...ids.keys()];
  const onDue = (queue: string, suspects: boolean) => void seen.due.push([queue, suspects]);
  const dueQueues = createDueQueues({ context, clock, queues, pollMs: 100, onDue });
  onTestFinished(() => dueQueues.stop());
  await dueQueues.start();
  await turn();
  const pass = async (ms: number) => {
    clock.advance(ms);
    await turn();
  };
  return { seen, pass };
}

it('tells which queues have jobs that are due, and whether they are suspects', async () => {
  const { seen } = await setUp(() =>
    Promise.resolve([
      { queue_id: 2, suspect: false },
      { queue_id: 2, suspect: true },
    ]),
  );
  expect(seen.due).toEqual([
    ['images', false],
    ['images', true],
  ]);
});

it('looks every so often, and more seldom where a look takes long', async () => {
  let tookMs = 0;
  const { seen, pass } = await setUp((tell) => {
    tell(tookMs);
    tookMs = 10;
    return Promise.resolve([]);
  });
  await pass(100);
  expect(seen.looks).toBe(2);
  await pass(100);
  expect(seen.looks).toBe(2);
  await pass(90);
  expect(seen.looks).toBe(3);
});

it('goes on after a look that failed', async () => {
  let fails = true;
  const { seen, pass } = await setUp(() =>
    fails ? Promise.reject(new Error('gone')) : Promise.resolve([{ queue_id: 1, suspect: false }]),
  );
  expect(seen.warnings).toEqual(['looking for due jobs failed']);
  fails = false;
  await pass(2_000);
  expect(seen.due).toEqual([['mails', false]]);
});
