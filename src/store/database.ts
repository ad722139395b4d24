import type pg from 'pg';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { DaybookError, isDaybookError } from '../kernel/errors.ts';
import type { Observer } from '../kernel/observer.ts';
import { makeOwnPool } from './pool/own-pool.ts';
import { resultTypes } from './result-types.ts';
import { quotedSchema } from './schema-name.ts';
import { codeOf, isUnavailable, sqlState } from './sqlstate.ts';
import type { Executor, Statement } from './statement.ts';

/** What Daybook needs of a client: `pg.Client`, `pg.PoolClient`, or anything that queries like them. */
export interface Queryable {
  query(config: {
    name?: string;
    text: string;
    values: unknown[];
    types: typeof resultTypes;
  }): Promise<{ rows: unknown[] }>;
}

/** A connection of the pool. */
export type Client = pg.PoolClient;

export interface DatabaseOptions {
  /** Where to connect; leave out when `pool` is given. */
  readonly connectionString?: string;
  /** A pool of the caller's own, which the caller also ends. */
  readonly pool?: pg.Pool;
  readonly schema: string;
  /** Connections at the most (of a pool made here). */
  readonly poolSize: number;
  /** Prepare the hot statements, on a pool made here; default: not. */
  readonly prepare?: boolean | 'if-direct';
  readonly observer: Observer;
  /** Times how long `beside` waits; default the machine's. */
  readonly clock?: Clock;
}

/** Runs statements, one by one or in a transaction of its own. */
export interface Transactor extends Executor {
  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects.
   * `client` is the transaction's own, for statements that are none of Daybook's.
   */
  transaction<Result>(work: (tx: Executor, client: Client) => Promise<Result>): Promise<Result>;
}

/** The connection to Postgres: a pool, and the schema that statements are written for. */
export interface Database extends Transactor {
  readonly schema: string;
  /** How to open a connection outside the pool, for LISTEN and for the beat thread. */
  readonly connection: pg.ClientConfig;
  readonly pool: pg.Pool;
  /**
   * For what runs on the pool while a caller's transaction waits for it: that transaction may hold
   * the very connection which is waited for, be it of the pool or of a pooler behind it, so this one
   * waits for five seconds at the most.
   * @throws DaybookError `pool-exhausted` after that
   */
  readonly beside: Transactor;
  /** Statements on a client of the caller's own, inside whatever transaction it has open. */
  on(client: Queryable): Executor;
  /** Ends the pool, if it was made here; whatever is asked of it after that is `closed`. */
  close(): Promise<void>;
}

/** Opens a pool, without connecting yet. */
export function openDatabase(options: DatabaseOptions): Database {
  const schema = quotedSchema(options.schema);
  const ownPool = options.pool === undefined;
  const { pool, prepares } =
    options.pool === undefined ? makeOwnPool(options) : { pool: options.pool, prepares: never };
  const texts = new Map<string, string>();

  const textOf = (statement: Statement<never, unknown>): string => {
    const known = texts.get(statement.name);
    if (known !== undefined) return known;
    const text = `/* daybook:${statement.name} */ ${statement.sql(schema)}`;
    texts.set(statement.name, text);
    return text;
  };

  const executor = (client: Queryable, mayPrepare: () => boolean): Executor => ({
    async run<Params, Row>(statement: Statement<Params, Row>, params: Params): Promise<Row[]> {
      try {
        const result = await client.query({
          ...(isPrepared(statement) && mayPrepare() ? { name: statement.name } : {}),
          text: textOf(statement),
          values: statement.values(params) as unknown[],
          types: resultTypes,
        });
        return result.rows as Row[];
      } catch (error) {
        throw explained(error);
      }
    },
  });

  const onOwn = (client: Queryable) => executor(client, prepares);
  const onPool = onOwn(pool);
  const mustBeOpen = () => {
    if (pool.ending) throw new DaybookError('closed', 'The pool of this Daybook has ended.');
  };

  return {
    schema: options.schema,
    connection: ownPool ? { connectionString: options.connectionString } : connectionOf(pool),
    pool,
    run: async (statement, params) => {
      mustBeOpen();
      return onPool.run(statement, params);
    },
    on: (client) => executor(client, never),
    transaction: async (work) => {
      mustBeOpen();
      return inTransaction(() => pool.connect(), onOwn, work);
    },
    beside: besidesCallers(pool, options.clock ?? systemClock, onOwn, mustBeOpen),
    close: async () => {
      if (ownPool) await pool.end();
    },
  };
}

const never = () => false;

/** See `Database.beside`. */
function besidesCallers(
  pool: pg.Pool,
  clock: Clock,
  on: (client: Queryable) => Executor,
  mustBeOpen: () => void,
): Transactor {
  const connectSoon = () => inTime(pool, clock);
  return {
    async run(statement, params) {
      mustBeOpen();
      const client = await connectSoon();
      let broken: unknown;
      try {
        return await answeredSoon(on(client).run(statement, params), pool, clock);
      } catch (error) {
        broken = error;
        throw error;
      } finally {
        client.release(isLost(broken));
      }
    },
    transaction: async (work) => {
      mustBeOpen();
      const begin = (client: Client) => answeredSoon(client.query('begin'), pool, clock);
      return inTransaction(connectSoon, on, work, begin);
    },
  };
}

/** How a pool connects. The pool hides its password from whoever lists its options. */
function connectionOf(pool: pg.Pool): pg.ClientConfig {
  const options: pg.ClientConfig = pool.options;
  return options.password === undefined
    ? { ...options }
    : { ...options, password: options.password };
}

/** Longer names of prepared statements are cut by Postgres. */
const NAME_BYTES = 63;

function isPrepared({ name, prepared }: Statement<never, unknown>): boolean {
  return prepared === true && name.length <= NAME_BYTES;
}

/** How long a caller's transaction waits for a connection beside its own. */
const BESIDE_MS = 5_000;

function inTime(pool: pg.Pool, clock: Clock): Promise<pg.PoolClient> {
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
 * A pooler takes any connection at once, and lets its first statement wait for one of its own. A
 * connection whose answer did not come in time is of no more use: the answer may come yet.
 */
function answeredSoon<Answer>(
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

function isLost(error: unknown): boolean {
  return isDaybookError(error, 'database-unavailable') || isDaybookError(error, 'pool-exhausted');
}

async function inTransaction<Result>(
  connect: () => Promise<pg.PoolClient>,
  on: (client: Queryable) => Executor,
  work: (tx: Executor, client: Client) => Promise<Result>,
  begin: (client: Client) => Promise<unknown> = (client) => client.query('begin'),
): Promise<Result> {
  const client = await connect().catch((error: unknown) => {
    throw explained(error);
  });
  let broken: Error | undefined;
  let begun = false;
  // The pool listens only to clients that are idle: without this, a connection that the server ends
  // between two statements would end the process.
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await begin(client);
    begun = true;
    const result = await work(on(client), client);
    await client.query('commit');
    return result;
  } catch (error) {
    if (begun) {
      await client.query('rollback').catch((rollbackError: unknown) => {
        // The connection is of no use any more; the first error is the one to tell.
        broken = rollbackError instanceof Error ? rollbackError : new Error('rollback failed');
      });
    } else {
      // Its `begin` may still be waited for, and so would be whatever comes after that.
      broken ??= new Error('begin failed');
    }
    throw explained(error);
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/** Gives errors of the connection, and of a schema that is not there, their stable code. */
export function explained(error: unknown): unknown {
  if (isDaybookError(error)) return error;
  if (isUnavailable(error)) {
    return new DaybookError('database-unavailable', 'The database cannot be reached.', {
      cause: error,
    });
  }
  const code = codeOf(error);
  if (code === sqlState.readOnlyTransaction) {
    return new DaybookError('read-only', 'This server is a standby: it takes no writes.', {
      cause: error,
    });
  }
  if (
    code === sqlState.undefinedTable ||
    code === sqlState.undefinedColumn ||
    code === sqlState.undefinedFunction ||
    code === sqlState.invalidSchemaName
  ) {
    return new DaybookError(
      'migration-needed',
      `The database lacks something this version of Daybook needs: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  return error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
