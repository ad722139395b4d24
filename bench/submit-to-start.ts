import { z } from 'zod';
import { atRate } from './at-rate.ts';
import type { Package } from './package.ts';

/**
 * Submits single jobs at a steady rate on an otherwise idle system, and measures from the call of
 * `submit` to the first line of the handler, in one process with one clock.
 * @returns ms per job
 */
export async function submitToStart(
  { defineJob, openDaybook }: Package,
  connectionString: string,
  schema: string,
  perSecond: number,
  seconds: number,
): Promise<number[]> {
  const samples: number[] = [];
  const ping = defineJob({
    type: 'ping',
    payload: z.object({ at: z.number() }),
    handler: ({ at }) => {
      samples.push(performance.now() - at);
    },
  });
  const daybook = await openDaybook({ connectionString, schema, migrate: true, jobs: [ping] });
  try {
    await daybook.worker({ concurrency: 50 }).start();
    await atRate(perSecond, seconds, async () => {
      await daybook.submit({ type: 'ping', payload: { at: performance.now() } });
    });
    const last = await daybook.submit({ type: 'ping', payload: { at: performance.now() } });
    await daybook.waitFor(last.id);
    return samples;
  } finally {
    await daybook.close();
  }
}
