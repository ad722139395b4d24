import { expect } from 'vitest';
import { z } from 'zod';
import { claimJobs, fromTheFront } from '../../src/commands/work/claim-jobs.ts';
import { type Daybook, defineJob } from '../../src/daybook.ts';
import { openSession } from '../../src/store/statements/open-session.ts';

/** A job whose result tells its payload. */
export const mailer = defineJob({
  type: 'mail',
  payload: z.object({ to: z.string() }),
  handler: ({ to }) => Promise.resolve(`sent to ${to}`),
});

/** What work was rejected with; undefined if it was not. */
export function rejection(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** A worker somewhere claims a job, and is not heard of again. */
export async function holdOne({ context }: Daybook, id: string, queue = 'default'): Promise<void> {
  const session = context.newId();
  await context.database.run(openSession, {
    tenantId: 1,
    session,
    name: 'away',
    host: null,
    pid: null,
    version: null,
    queues: [queue],
    types: ['mail'],
    slots: 1,
    leaseMs: 3_600_000,
  });
  const request = { queue, limit: 1, suspects: false, maxBytes: 1_000 };
  const claimed = await claimJobs(context, { ...request, session, cursorsMs: fromTheFront });
  expect(claimed.map((job) => job.id)).toEqual([id]);
}
