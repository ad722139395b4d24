import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../../../src/daybook.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';

let daybook: TestDaybook;
afterEach(() => daybook.close());

/** A worker whose jobs all end at the same time: when the gate is opened. */
async function startGated(ending: () => unknown) {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const gated = defineJob({
    type: 'gated',
    payload: z.unknown(),
    maxAttempts: 1,
    handler: async () => {
      await gate;
      return ending();
    },
  });
  daybook = await openTestDaybook({ jobs: [gated] });
  await daybook.worker({ concurrency: 20 }).start();
  const jobs = await daybook.submitMany(Array.from({ length: 20 }, () => ({ type: 'gated' })));
  for (const { id } of jobs) {
    await expectSoon(async () => (await daybook.get(id))?.phase).toBe('running');
  }
  return { open, jobs };
}

it.each([
  ['completed', () => 'done'],
  [
    'dead',
    () => {
      throw new Error('no luck');
    },
  ],
])('jobs end as %s while another transaction holds one of them', async (phase, ending) => {
  const { open, jobs } = await startGated(ending);
  const [held, ...others] = jobs;
  const holder = await daybook.db.connect();
  await holder.query('begin');
  await holder.query('select from job_claims where id = $1 for update', [held?.id]);
  open();
  for (const { id } of others) {
    expect((await daybook.waitFor(id)).phase).toBe(phase);
  }
  expect((await daybook.get(held?.id ?? ''))?.phase).toBe('running');
  await holder.query('rollback');
  expect((await daybook.waitFor(held?.id ?? '')).phase).toBe(phase);
});
