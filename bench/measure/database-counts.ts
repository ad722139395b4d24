import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { FreshDatabase, PostgresServer } from '../servers/postgres-server.ts';

/** What was done in a database since it was made. */
export interface DatabaseCounts {
  readonly transactions: number;
  /** Rows inserted, updated and deleted in tables that are not Postgres's own. */
  readonly rowsWritten: number;
  readonly deadTuples: number;
}

/**
 * Counts are those of Postgres's statistics. A backend hands in its part at its end at the latest, so
 * this first waits until nobody is connected any more.
 */
export async function readCounts(
  { admin }: PostgresServer,
  { name, url }: FreshDatabase,
): Promise<DatabaseCounts> {
  const connected = `select from pg_stat_activity where datname = '${name}' limit 1`;
  while ((await admin.query(connected)).rowCount !== 0) await sleep(10);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<Record<'transactions' | 'written' | 'dead', string>>(`
    select xact_commit + xact_rollback as transactions, written, dead
    from pg_stat_database,
      (select sum(n_tup_ins + n_tup_upd + n_tup_del) as written, sum(n_dead_tup) as dead
       from pg_stat_user_tables) as tables
    where datname = current_database()`);
  await client.end();
  const [counted] = rows;
  return {
    transactions: Number(counted?.transactions),
    rowsWritten: Number(counted?.written),
    deadTuples: Number(counted?.dead),
  };
}

/** How far the server has written its WAL, in bytes. */
export async function readWalBytes({ admin }: PostgresServer): Promise<number> {
  const { rows } = await admin.query<{ bytes: string }>(
    "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as bytes",
  );
  return Number(rows[0]?.bytes);
}
