import pg from 'pg';
import type { TestDatabase } from './test-database.ts';

/** A statement on its way to the database. */
export interface Passing {
  /** As its file under store/statements is called. */
  readonly name: string;
  readonly values: readonly unknown[];
  /** Runs it. */
  run(): Promise<pg.QueryResult>;
}

/**
 * A pool on which a test has its hands: it may run each statement or not, throw what it likes before
 * or after that, or take its time. What runs inside of transactions passes by it. Ended by `end`.
 */
export function createFaultyPool(
  db: TestDatabase,
  meddle: (passing: Passing) => Promise<pg.QueryResult>,
): pg.Pool {
  const pool = new pg.Pool({ connectionString: db.connectionString });
  // Dropping the database ends connections that are still on their way out.
  pool.on('error', () => undefined);
  const query = pool.query.bind(pool) as (config: Config) => Promise<pg.QueryResult>;
  const meddled = (config: Config) => {
    const name = /daybook:([\w-]+)/.exec(config.text)?.[1] ?? '';
    return meddle({ name, values: config.values ?? [], run: () => query(config) });
  };
  return Object.assign(pool, { query: meddled });
}

interface Config {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** An error as Postgres would send it. */
export function postgresError(code: string): Error {
  return Object.assign(new Error(`made up by a test: ${code}`), { code });
}
