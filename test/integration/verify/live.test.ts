import { afterAll, beforeAll, expect, it, vi } from 'vitest';
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

/** Keeps submitting, pausing, cancelling, moving, and building read models anew, until it is told to stop, 500 jobs at the least and 2,000 at the most. */
async function keepSubmitting(stop: AbortSignal): Promise<void> {
  for (let n = 0; n < 500 || (!stop.aborted && n < 2_000); n += 100) {
    const jobs = Array.from({ length: 100 }, (_, index) => ({
      type: 'work',
      payload: { n: n + index },
      maxAttempts: 3,
      tags: ['live'],
    }));
    // Claims and pauses race: a claim that did not see the pause yet is in order.
    await daybook.pauseQueue('default');
    const [first, second] = await daybook.submitMany(jobs);
    await daybook.resumeQueue('default');
    // Some have ended by then, which is as good.
    await daybook.cancel(first?.id ?? '').catch(() => undefined);
    await daybook.move(second?.id ?? '', 'elsewhere').catch(() => undefined);
    // Refused while one is under way.
    for (const name of ['job-status', 'queue-counters']) {
      await daybook.consumers.rebuild(name).catch(() => undefined);
    }
  }
}

/** The live builds of the read models that are built anew. */
async function liveBuilds(): Promise<number[]> {
  const { rows } = await daybook.db.database.pool.query<{ build: number }>(
    `select build from ${daybook.db.schema}.consumer_checkpoints
     where role = 'live' and name in ('job-status', 'queue-counters')`,
  );
  return rows.map(({ build }) => build);
}

it('finds no difference, ever, while workers work', async () => {
  const { database } = daybook.context;
  await daybook.context.names.queueIds(['default']);
  await daybook.worker({ concurrency: 20 }).start();
  const stop = new AbortController();
  const submitting = keepSubmitting(stop.signal);
  const chunks = [20, 200, 3_000];
  for (let run = 0; run < 12; run += 1) {
    const report = await verify(database, { chunkRows: chunks[run % 3] ?? 1, safety: true });
    expect(report.differences).toEqual([]);
    expect(report.equal).toBe(true);
    expect(report.safety?.violations).toEqual([]);
  }
  stop.abort();
  await submitting;
  // It was looked at while builds took the place of others.
  await vi.waitFor(async () => expect(await liveBuilds()).not.toContain(1));
  const { checked } = await verify(database);
  expect(checked.events).toBeGreaterThan(1_000);
  expect(checked.jobs).toBeGreaterThan(300);
}, 300_000);
