import type pg from 'pg';
import type { Clock } from '../../kernel/clock.ts';
import { DaybookError, isDaybookError } from '../../kernel/errors.ts';
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

/**
 * An answer on such a connection, as soon. A pooler takes any connection at once, and lets its first
 * statement wait for one of its own. A connection whose answer did not come in time is of no more use: the
 * answer may come yet.
 * @throws DaybookError `pool-exhausted`
 */
export function answeredSoon<Answer>(
  asked: Promise<Answer>,
  pool: pg.Pool,
  clock: Clock,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(BESIDE_MS, () => {
      const message = `None of the server's connections came free within ${BESIDE_MS} ms, though the pool had one of its ${pool.options.max}.`;
      reject(new DaybookError('pool-exhausted', message));
    });
    asked.then(resolve, reject).finally(cancel);
  });
}

/** Whether a connection that ended so can be given to nobody any more. */
export function isLost(error: unknown): boolean {
  return isDaybookError(error, 'database-unavailable') || isDaybookError(error, 'pool-exhausted');
}
