import { z } from 'zod';
import { defineJob } from '../../src/daybook.ts';

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
