import { setTimeout as wait } from 'node:timers/promises';
import { monotonicMs } from '../monotonic.ts';
import type { World } from './world.ts';

/**
 * Resolves when the session of a process that was killed now has been ended, with how long that took.
 * Never rejects.
 */
export async function noticed(world: World, name: string, pid: number): Promise<string> {
  const killedAt = monotonicMs();
  while (monotonicMs() - killedAt < world.tempo.leaseMs + 30_000) {
    const { rows } = await world.admin
      .query<{ open: number }>(
        `select count(*)::int as open from daybook.worker_sessions
         where name = $1 and pid = $2 and ended_at is null`,
        [name, pid],
      )
      .catch(() => ({ rows: [] }));
    if (rows[0]?.open === 0) return `noticed after ${seconds(monotonicMs() - killedAt)}`;
    await wait(100);
  }
  return 'never noticed';
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
