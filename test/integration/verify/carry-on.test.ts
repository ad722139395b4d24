import { afterEach, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../../../src/daybook.ts';
import { rebuildClaims } from '../../../src/verify/rebuild/rebuild-claims.ts';
import { verify } from '../../../src/verify/verify.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';

let daybook: TestDaybook;
afterEach(() => daybook.close());

/** Handlers of slow jobs end when this resolves. */
let open: () => void = () => undefined;
let gate = Promise.resolve();
let started = 0;

const slow = defineJob({
  type: 'slow',
  payload: z.null(),
  async handler() {
    started += 1;
    await gate;
  },
});
const quick = defineJob({ type: 'quick', payload: z.null(), handler: () => Promise.resolve() });

async function openWithSlowJobs(count: number): Promise<string[]> {
  gate = new Promise((resolve) => {
    open = resolve;
  });
  started = 0;
  daybook = await openTestDaybook({ jobs: [slow, quick] });
  const jobs = await daybook.submitMany(Array.from({ length: count }, () => ({ type: 'slow' })));
  return jobs.map(({ id }) => id);
}

async function statusOf(id: string): Promise<string | undefined> {
  return (await daybook.get(id))?.state.status;
}

it.each(['truncate job_claims, dead_jobs', 'drop table job_claims, dead_jobs'])(
  'under a running worker nothing is lost by: %s',
  async (disaster) => {
    const slowIds = await openWithSlowJobs(5);
    await daybook.worker({ concurrency: 5 }).start();
    await vi.waitFor(() => expect(started).toBe(5));
    const waiting = await daybook.submitMany(Array.from({ length: 50 }, () => ({ type: 'quick' })));
    const client = await daybook.db.connect();
    await client.query(disaster);
    await rebuildClaims(daybook.context.database);
    open();
    for (const id of [...slowIds, ...waiting.map((job) => job.id)]) {
      const { state } = await daybook.waitFor(id);
      expect(state.status).toBe('completed');
    }
    // None of the jobs that ran meanwhile was run again.
    expect(started).toBe(5);
    expect((await verify(daybook.context.database)).differences).toEqual([]);
  },
);

it('an outcome that came while the table was empty is written later, or made good by another run', async () => {
  const [id = ''] = await openWithSlowJobs(1);
  const worker = daybook.worker({ concurrency: 1, leaseMs: 5_000, beatMs: 300 });
  await worker.start();
  await vi.waitFor(() => expect(started).toBe(1));
  const client = await daybook.db.connect();
  await client.query('truncate job_claims, dead_jobs');
  open();
  await worker.stop();
  expect(await statusOf(id)).toBe('running');
  await rebuildClaims(daybook.context.database);
  await daybook.worker({ concurrency: 1 }).start();
  await daybook.waitFor(id);
  expect(await statusOf(id)).toBe('completed');
  expect(started).toBeLessThanOrEqual(2);
  expect((await verify(daybook.context.database)).differences).toEqual([]);
});
