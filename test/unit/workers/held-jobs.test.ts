import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createHeldJobs } from '../../../src/workers/claiming/held-jobs.ts';
import { claimedJob } from './claimed-job.ts';

const job = (id: string, leaseToken = `token of ${id}`) =>
  claimedJob({ id, leaseToken, payloadBytes: 10 });

it('tells claims of the same job apart: the end of one leaves the other running', async () => {
  const held = createHeldJobs(() => ['written soon']);
  const share = held.share('default');
  share.buffer([job('a', 'first'), job('a', 'second')]);
  const [first, second] = [share.start(), share.start()];
  expect(held.leaseTokens()).toEqual(new Set(['first', 'second', 'written soon']));
  let isIdle = false;
  void held.idle().then(() => {
    isIdle = true;
    return undefined;
  });
  first?.ended();
  await turn();
  expect([share.running, isIdle]).toEqual([1, false]);
  held.abort('cancelled', ['a']);
  expect([first?.abort.reason, second?.abort.reason]).toEqual([null, 'cancelled']);
  second?.ended();
  await turn();
  expect([share.running, isIdle]).toEqual([0, true]);
});

it('gives what has not started back, of all queues, and counts its bytes', () => {
  const held = createHeldJobs(() => []);
  held.share('one').buffer([job('a'), job('b')]);
  held.share('two').buffer([job('c')]);
  expect(held.share('one').start()?.job.id).toBe('a');
  expect(held.bufferedBytes()).toBe(20);
  expect(held.takeBuffered(['c', 'a']).map(({ id }) => id)).toEqual(['c']);
  expect(held.bufferedBytes()).toBe(10);
  expect(held.takeBuffered().map(({ id }) => id)).toEqual(['b']);
  expect([held.bufferedBytes(), held.share('one').buffered, held.share('one').running]).toEqual([
    0, 0, 1,
  ]);
});
