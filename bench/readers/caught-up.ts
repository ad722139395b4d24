import { setTimeout as sleep } from 'node:timers/promises';
import type { Daybook } from '../package.ts';

/** Resolves when no job waits, and all that happened has been read by every live consumer. */
export async function caughtUp({ context, consumers }: Daybook): Promise<void> {
  const { pool, schema } = context.database;
  for (;;) {
    const inbox = await pool.query(`select from "${schema}".event_inbox limit 1`);
    const claims = await pool.query(`select from "${schema}".job_claims limit 1`);
    const lags = await consumers.list();
    const behind = lags.some(({ role, lagEvents }) => role === 'live' && lagEvents > 0n);
    if (inbox.rowCount === 0 && claims.rowCount === 0 && !behind) return;
    await sleep(50);
  }
}
