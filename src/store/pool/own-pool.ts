import pg from 'pg';
import type { Observer } from '../../kernel/observer.ts';

export interface OwnPoolOptions {
  readonly connectionString?: string;
  readonly poolSize: number;
  /**
   * Whether statements are to be prepared: always, or only where connections lead to the server itself;
   * default: never.
   */
  readonly prepare?: boolean | 'if-direct';
  readonly observer: Observer;
}

/** A pool that Daybook opens itself. */
export interface OwnPool {
  readonly pool: pg.Pool;
  /** Whether statements may be prepared; with `if-direct` unknown, and so false, until one is connected. */
  prepares(): boolean;
}

/** Makes a pool, without connecting yet. */
export function makeOwnPool(options: OwnPoolOptions): OwnPool {
  const { connectionString, poolSize, prepare = false, observer } = options;
  let isDirect: boolean | undefined;
  const onConnect = async (client: pg.ClientBase) => {
    isDirect ??= await leadsToServer(client);
    // A pooler would hand the setting on to others.
    if (isDirect) await planWithIndexes(client);
  };
  const pool = new pg.Pool({
    connectionString,
    max: poolSize,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: 'daybook',
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool awaits it, whatever its types say
    ...(prepare === false ? {} : { onConnect }),
  });
  // An idle connection that the server ends would otherwise end this process.
  pool.on('error', (error) => observer.warn('an idle connection was lost', { error }));
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
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid === processID;
}

/**
 * A prepared statement keeps its plan until something about its tables changes, which their growing is
 * not: planned for an empty table, it would go on reading that table from front to end.
 */
async function planWithIndexes(client: pg.ClientBase): Promise<void> {
  await client.query('set enable_seqscan = off');
}
