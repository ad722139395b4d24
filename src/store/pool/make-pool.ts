import type pg from 'pg';
import type { Clock } from '../../kernel/clock.ts';
import type { Observer } from '../../kernel/observer.ts';
import { WatchedPool } from './watched-pool.ts';

export interface PoolOptions {
  readonly connectionString?: string;
  readonly poolSize: number;
  readonly prepare?: boolean;
  readonly observer: Observer;
  readonly clock: Clock;
  /** See DatabaseOptions: a connection is waited for no longer than for a statement. */
  readonly statementTimeoutMs?: number | undefined;
}

/** How long is waited for a connection at the most: for a new one, or for one to come free. */
const CONNECT_MS = 5_000;

/** A pool of our own, without a connection yet. */
export function makePool(options: PoolOptions): WatchedPool {
  const { statementTimeoutMs = CONNECT_MS } = options;
  const config: pg.PoolConfig = {
    connectionString: options.connectionString,
    max: options.poolSize,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'daybook',
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool awaits it, whatever its types say
    ...(options.prepare === true ? { onConnect: planWithIndexes } : {}),
  };
  const pool = new WatchedPool(config, Math.min(CONNECT_MS, statementTimeoutMs), options.clock);
  // An idle connection that the server ends would otherwise end this process.
  pool.on('error', (error) => options.observer.warn('an idle connection was lost', { error }));
  // So would one that the server ends in the very packet with which it becomes ready: then nobody has
  // been given it yet. Whoever is finds it broken.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/**
 * A prepared statement keeps its plan until something about its tables changes, which their growing is
 * not: planned for an empty table, it would go on reading that table from front to end.
 */
async function planWithIndexes(client: pg.ClientBase): Promise<void> {
  // The time to connect is over by now: without a limit, silence here would keep the place for ever.
  const limited = { text: 'set enable_seqscan = off', query_timeout: CONNECT_MS };
  await client.query(limited);
}

/** How a pool connects. The pool hides its password from whoever lists its options. */
export function connectionOf(pool: pg.Pool): pg.ClientConfig {
  const options: pg.ClientConfig = pool.options;
  return options.password === undefined
    ? { ...options }
    : { ...options, password: options.password };
}
