import type pg from 'pg';
import { z } from 'zod';
import type { Package } from './package.ts';

const BATCH = 1_000;
/** Batches on their way at the same time. */
const LANES = 2;

/**
 * Submits no-op jobs in batches of 1,000 while a worker of the same process runs them. The clock
 * stops when the last is completed and every read model has caught up.
 * @returns jobs per second
 */
export async function fullCycle(
  { defineJob, openDaybook }: Package,
  connectionString: string,
  schema: string,
  count: number,
): Promise<number> {
  const noop = defineJob({ type: 'noop', payload: z.unknown(), handler: () => undefined });
  const daybook = await openDaybook({ connectionString, schema, migrate: true, jobs: [noop] });
  try {
    const worker = daybook.worker({ concurrency: 100 });
    await worker.start();
    const startedAt = performance.now();
    let submitted = 0;
    const lane = async () => {
      while (submitted < count) {
        submitted += BATCH;
        await daybook.submitMany(
          Array.from({ length: BATCH }, (_, n) => ({ type: 'noop', payload: { n } })),
        );
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    await caughtUp(daybook.context.database.pool, schema, submitted);
    return (submitted / (performance.now() - startedAt)) * 1_000;
  } finally {
    await daybook.close();
  }
}

/** Three events per job are in the log, and every consumer stands at its end. */
async function caughtUp(pool: pg.Pool, schema: string, jobs: number): Promise<void> {
  const events = jobs * 3;
  for (;;) {
    const { rows } = await pool.query<{ done: boolean }>(
      `select h.position >= ${events} and not exists (
         select from "${schema}".consumer_checkpoints c where c.position < h.position) as done
       from "${schema}".log_head h`,
    );
    if (rows[0]?.done === true) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}
