import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../../../src/daybook.ts';
import { verify } from '../../../src/verify/verify.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';

/** Fails, snoozes or takes its time, by what its payload says. */
const job = defineJob({
  type: 'work',
  payload: z.object({ n: z.number() }),
  retry: { kind: 'fixed', delayMs: 20, jitter: 0 },
  async handler({ n }, context) {
    if (n % 7 === 0 && context.job.attempt === 1) throw new Error('once');
    if (n % 11 === 0) throw new Error('always');
    return { n };
  },
});

let daybook: TestDaybook;
beforeAll(async () => {
  daybook = await openTestDaybook({ jobs: [job] });
});
afterAll(() => daybook.close());

it('finds no difference, ever, while workers work', async () => {
  const { database } = daybook.context;
  const worker = daybook.worker({ concurrency: 20 });
  await worker.start();
  let submitting = true;
  const submitAll = async () => {
    for (let n = 0; submitting && n < 3_000; n += 100) {
      const jobs = Array.from({ length: 100 }, (_, index) => ({
        type: 'work',
        payload: { n: n + index },
        maxAttempts: 3,
        tags: ['live'],
      }));
      const made = await daybook.submitMany(jobs);
      const [first, second] = made;
      // Ended by then or not: both are of use.
      await daybook.cancel(first?.id ?? '').catch(() => undefined);
      await daybook.move(second?.id ?? '', 'elsewhere').catch(() => undefined);
    }
  };
  const submitted = submitAll();
  const chunks = [20, 200, 1_000];
  for (let run = 0; run < 24; run += 1) {
    const report = await verify(database, { chunkRows: chunks[run % 3] ?? 1 });
    expect(report.differences).toEqual([]);
    expect(report.equal).toBe(true);
  }
  submitting = false;
  await submitted;
  const { checked } = await verify(database);
  expect(checked.events).toBeGreaterThan(1_000);
  expect(checked.jobs).toBeGreaterThan(300);
});
