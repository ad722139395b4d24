import type pg from 'pg';
import type { Clock } from '../../kernel/clock.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { explained } from './explained.ts';

/** How long a caller's transaction waits for a connection beside its own. */
const BESIDE_MS = 5_000;

/** A connection of the pool, soon. @throws DaybookError `pool-exhausted` */
export function inTime(pool: pg.Pool, clock: Clock): Promise<pg.PoolClient> {
  return new Promise((resolve, reject) => {
    let late = false;
    const cancel = clock.after(BESIDE_MS, () => {
      late = true;
      const message = `None of the ${pool.options.max} connections of the pool came free within ${BESIDE_MS} ms.`;
      reject(new DaybookError('pool-exhausted', message));
    });
    pool.connect().then(
      (client) => {
        cancel();
        if (late) client.release();
        else resolve(client);
      },
      (error: unknown) => {
        cancel();
        reject(explained(error));
      },
    );
  });
}
