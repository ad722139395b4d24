import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import { defineJob } from '../../../src/daybook.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';

let daybook: TestDaybook;
beforeAll(async () => {
  const echo = defineJob({ type: 'echo', payload: z.unknown(), handler: (payload) => payload });
  daybook = await openTestDaybook({ jobs: [echo] });
});
afterAll(() => daybook.close());

it('a worker finds by polling what nobody announced, now or for later', async () => {
  await daybook.worker({ pollMs: 50 }).start();
  const first = await daybook.submit({ type: 'echo', payload: 1 });
  await daybook.waitFor(first.id);
  const silent = {
    ...daybook.context,
    wakeUp: { ...daybook.context.wakeUp, hint: () => undefined },
  };
  const submitted = await submitJobs(silent, [
    { type: 'echo', payload: 'now' },
    { type: 'echo', payload: 'later', delayMs: 300 },
  ]);
  for (const [index, { id }] of submitted.entries()) {
    const job = await daybook.waitFor(id);
    expect(job.result).toBe(['now', 'later'][index]);
  }
});
