import type pg from 'pg';
import { expectSoon } from './expect-soon.ts';
import type { TestDatabase } from './test-database.ts';

/**
 * Waits until so many connections to this database, running what matches, wait for a lock: not for the
 * one that every NOTIFY of the server takes for a moment, nor for room in a table.
 */
export async function untilWaiting(db: TestDatabase, query: string, count = 1): Promise<void> {
  const waiting = async () => {
    const { rows } = await db.database.pool.query<{ count: number }>(
      `select count(*)::int as count from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'
         and wait_event not in ('object', 'extend') and query like $1`,
      [`%${query}%`],
    );
    return rows[0]?.count;
  };
  await expectSoon(waiting).toBe(count);
}

/** The number of the server process behind a connection. */
export async function backendOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid ?? 0;
}
