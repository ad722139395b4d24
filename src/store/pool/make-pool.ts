import type pg from 'pg';
import type { Clock } from '../../kernel/clock.ts';
import type { Observer } from '../../kernel/observer.ts';
import { compressByLz4 } from '../statements/compress-by-lz4.ts';
import { clientClassOf } from './list-client.ts';
import { WatchedPool } from './watched-pool.ts';

export interface PoolOptions {
  readonly connectionString?: string;
  readonly poolSize: number;
  /**
   * Whether statements are to be prepared: always, or only where connections lead to the server itself;
   * default: never.
   */
  readonly prepare?: boolean | 'if-direct';
  readonly observer: Observer;
  readonly clock: Clock;
  /** See DatabaseOptions: a connection is waited for no longer than for a statement. */
  readonly statementTimeoutMs?: number | undefined;
}

/** How long is waited for a connection at the most: for a new one, or for one to come free. */
const CONNECT_MS = 5_000;

/** A pool that Daybook opens itself. */
export interface OwnPool {
  readonly pool: WatchedPool;
  /** Whether statements may be prepared; with `if-direct` unknown, and so false, until one is connected. */
  prepares(): boolean;
}

/** A pool of our own, without a connection yet. */
export function makePool(options: PoolOptions): OwnPool {
  const { statementTimeoutMs = CONNECT_MS, prepare = false } = options;
  let isDirect: boolean | undefined;
  const onConnect = async (client: pg.ClientBase) => {
    isDirect ??= await leadsToServer(client);
    // A pooler would hand the settings on to others.
    if (isDirect) await setUp(client, prepare !== false);
  };
  const config: pg.PoolConfig = {
    connectionString: options.connectionString,
    Client: clientClassOf(options.connectionString),
    max: options.poolSize,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'daybook',
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool awaits it, whatever its types say
    onConnect,
  };
  const pool = new WatchedPool(config, Math.min(CONNECT_MS, statementTimeoutMs), options.clock);
  // An idle connection that the server ends would otherwise end this process.
  pool.on('error', (error) => options.observer.warn('an idle connection was lost', { error }));
  // So would one that the server ends in the very packet with which it becomes ready: then nobody has
  // been given it yet. Whoever is finds it broken.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    pool,
    prepares: () => prepare === true || (prepare === 'if-direct' && isDirect === true),
  };
}

/**
 * Whether the process that answers is the one that the connection was opened to. A pooler tells its
 * clients numbers of its own, as their connections are not tied to a process of the server.
 */
async function leadsToServer(client: pg.ClientBase): Promise<boolean> {
  const { processID } = client as { readonly processID?: number | null };
  const { rows } = await client.query<{ pid: number }>(limited('select pg_backend_pid() as pid'));
  return rows[0]?.pid === processID;
}

/**
 * A server with a compiler (those of Debian's and of most providers) compiles what it takes to be dear, and
 * takes most statements here to be that: for a second, each time, where to run them takes a millisecond.
 * A prepared statement keeps its plan until something about its tables changes, which their growing is
 * not: planned for an empty table, it would go on reading that table from front to end.
 */
async function setUp(client: pg.ClientBase, prepares: boolean): Promise<void> {
  const byIndex = prepares ? '; set enable_seqscan = off' : '';
  await client.query(limited(`set jit = off${byIndex}; ${compressByLz4.sql('')}`));
}

/** The time to connect is over by then: without a limit, silence would keep the place for ever. */
function limited(text: string) {
  return { text, query_timeout: CONNECT_MS };
}

/** How a pool connects. The pool hides its password from whoever lists its options. */
export function connectionOf(pool: pg.Pool): pg.ClientConfig {
  const options: pg.ClientConfig = pool.options;
  return options.password === undefined
    ? { ...options }
    : { ...options, password: options.password };
}
