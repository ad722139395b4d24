import { setTimeout as wait } from 'node:timers/promises';
import type { World } from '../world/world.ts';
import type { Load } from './load.ts';

const COUNT = 4;
const PATIENCE_MS = 2_000;
const LOOK_EVERY_MS = 20;

/**
 * Starts jobs that last somewhat longer than a worker is silenced from now on, and are deaf to the end
 * of their lease: when it is heard again, it says that they are done, while they run elsewhere. Does not
 * wait for what cannot start.
 */
export async function startStraddling(
  { admin, tempo }: World,
  load: Pick<Load, 'submit'>,
  silencedMs: number,
): Promise<void> {
  const ms = silencedMs + tempo.leaseMs / 2;
  const submitted = Array.from({ length: COUNT }, () => load.submit('straddles', 'long', ms));
  const ids = (await Promise.all(submitted)).filter((id) => id !== null);
  for (let left = PATIENCE_MS; left > 0; left -= LOOK_EVERY_MS) {
    const { rows } = await admin
      .query<{ n: number }>(
        `select count(*)::int as n from daybook.job_claims
         where id = any ($1) and lease_token is null`,
        [ids],
      )
      .catch(() => ({ rows: [] }));
    if (rows[0]?.n === 0) return;
    await wait(LOOK_EVERY_MS);
  }
}
