import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../../../src/daybook.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';

let daybook: TestDaybook;
const reasons: unknown[] = [];

/** Runs until it is stopped, the first time; then it is done. */
const endless = defineJob({
  type: 'endless',
  payload: z.unknown(),
  handler: (_payload, { signal }) => {
    if (reasons.length > 0) return 'the second time';
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason);
        reject(signal.reason as Error);
      });
    });
  },
});

beforeAll(async () => {
  daybook = await openTestDaybook({ jobs: [endless] });
  await daybook.worker({ pollMs: 20, beatMs: 200 }).start();
});
afterAll(() => daybook.close());

it('a session that others ended stops what it runs, and the worker goes on in another one', async () => {
  const { id } = await daybook.submit({ type: 'endless' });
  await vi.waitFor(async () => expect((await daybook.get(id))?.phase).toBe('running'));
  await daybook.db.database.pool.query(
    `update ${daybook.db.schema}.worker_sessions set ended_at = now()`,
  );
  const job = await daybook.waitFor(id);
  expect(reasons).toEqual([expect.objectContaining({ name: 'JobAborted', reason: 'lease-lost' })]);
  expect(job).toMatchObject({ phase: 'completed', result: 'the second time' });
  expect(job.state.failures).toBe(0);
  expect(await daybook.eventsOf(id)).toEqual([
    'JobSubmitted',
    'JobClaimed',
    'JobInterrupted',
    'JobClaimed',
    'JobCompleted',
  ]);
});
