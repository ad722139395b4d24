import type pg from 'pg';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { DaybookError } from '../kernel/errors.ts';
import type { Observer } from '../kernel/observer.ts';
import { sendable } from './parameters/json-bodies.ts';
import { explained } from './pool/explained.ts';
import { answeredSoon, inTime, isLost } from './pool/in-time.ts';
import { inTransaction } from './pool/in-transaction.ts';
import { connectionOf, makePool, type OwnPool } from './pool/make-pool.ts';
import { WatchedPool } from './pool/watched-pool.ts';
import { resultTypes } from './result-types.ts';
import { quotedSchema } from './schema-name.ts';
import { isSilence } from './sqlstate.ts';
import type { Executor, Statement } from './statement.ts';

/** What Daybook needs of a client: `pg.Client`, `pg.PoolClient`, or anything that queries like them. */
export interface Queryable {
  query(config: {
    name?: string;
    text: string;
    values: unknown[];
    types: typeof resultTypes;
    query_timeout?: number;
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
  /** Times how long is waited for connections; default the machine's. */
  readonly clock?: Clock;
  /**
   * How long a statement may take before its connection is given up for lost, in ms: one that is half
   * open says nothing, for ever. Default: as long as it likes.
   */
  readonly statementTimeoutMs?: number;
}

/** Runs statements, one by one or in a transaction of its own. */
export interface Transactor extends Executor {
  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects.
   * `client` is the transaction's own, for statements that are none of Daybook's.
   * @param idleMs how long the work may go without a statement before the server ends the transaction:
   *   who vanished with its network must not keep its locks for hours. Default a minute
   */
  transaction<Result>(
    work: (tx: Executor, client: Client) => Promise<Result>,
    idleMs?: number,
  ): Promise<Result>;
}

/** The connection to Postgres: a pool, and the schema that statements are written for. */
export interface Database extends Transactor {
  readonly schema: string;
  /** How to open a connection outside the pool, for LISTEN and for the beat thread. */
  readonly connection: pg.ClientConfig;
  readonly pool: pg.Pool;
  /**
   * For what runs on the pool while a caller's transaction waits for it: that transaction may hold
   * the very connection which is waited for, be it of the pool or of a pooler behind it, so this one waits for five seconds at the most.
   * @throws DaybookError `pool-exhausted` after that
   */
  readonly beside: Transactor;
  /** The same database, for what may take as long as it likes: proofs, tables that are made anew. */
  readonly patient: Database;
  /**
   * How long the one has waited that waits longest for a connection, in ms; 0 if nobody does, and for
   * a pool of the caller's own, of which nothing is known.
   */
  waitingMs(): number;
  /** Statements on a client of the caller's own, inside whatever transaction it has open. */
  on(client: Queryable): Executor;
  /** Ends the pool, if it was made here; whatever is asked of it after that is `closed`. */
  close(): Promise<void>;
}

/** How long a transaction may be open with nothing to do, in ms. */
const IDLE_MS = 60_000;

/** Opens a pool, without connecting yet. */
export function openDatabase(options: DatabaseOptions): Database {
  const { clock = systemClock, statementTimeoutMs } = options;
  const own = options.pool === undefined ? makePool({ ...options, clock }) : undefined;
  const textOf = createTexts(quotedSchema(options.schema));
  const patient = makeDatabase({ options, own, clock, textOf }, undefined);
  if (statementTimeoutMs === undefined) return patient;
  return makeDatabase({ options, own, clock, textOf, patient }, statementTimeoutMs);
}

interface Parts {
  readonly options: DatabaseOptions;
  /** Unless the caller gave one. */
  readonly own: OwnPool | undefined;
  readonly clock: Clock;
  readonly textOf: (statement: Statement<never, unknown>) => string;
  /** Left out: the database itself is. */
  readonly patient?: Database;
}

/** @param timeoutMs for each statement, but for those on a caller's own client */
function makeDatabase(parts: Parts, timeoutMs: number | undefined): Database {
  const { options, own, clock, textOf } = parts;
  const pool = own?.pool ?? (options.pool as pg.Pool);
  const timeout: Limit = timeoutMs === undefined ? {} : { query_timeout: timeoutMs };
  const explain = (error: unknown) => {
    if (isSilence(error) && pool instanceof WatchedPool) pool.leaveIdle();
    return explained(error);
  };

  const executor = (client: Queryable, by: OwnPool | undefined, limit: Limit) =>
    createExecutor({ client, own: by, limit, textOf, explain });
  const onOwn = (client: Queryable) => executor(client, own, timeout);
  const onPool = onOwn(pool);
  const connectSoon = () => inTime(pool, clock);
  const mustBeOpen = () => {
    if (pool.ending) throw new DaybookError('closed', 'The pool of this Daybook has ended.');
  };

  const soon = <Answer>(asked: Promise<Answer>) => answeredSoon(asked, pool, clock);
  const transaction =
    (connect: () => Promise<Client>, begun: typeof soon): Transactor['transaction'] =>
    async (work, idleMs = IDLE_MS) => {
      mustBeOpen();
      return inTransaction({ connect, on: onOwn, begun, explain, timeout, idleMs }, work);
    };

  const database: Database = {
    schema: options.schema,
    connection:
      own !== undefined ? { connectionString: options.connectionString } : connectionOf(pool),
    pool,
    get patient() {
      return parts.patient ?? database;
    },
    waitingMs: () => (pool instanceof WatchedPool ? pool.waitingMs() : 0),
    run: async (statement, params) => {
      mustBeOpen();
      return onPool.run(statement, params);
    },
    on: (client) => executor(client, undefined, {}),
    transaction: transaction(
      () => pool.connect(),
      (asked) => asked,
    ),
    beside: {
      async run(statement, params) {
        mustBeOpen();
        const client = await connectSoon();
        let broken: unknown;
        try {
          return await soon(onOwn(client).run(statement, params));
        } catch (error) {
          broken = error;
          throw error;
        } finally {
          client.release(isLost(broken));
        }
      },
      transaction: transaction(connectSoon, soon),
    },
    close: async () => {
      await own?.pool.end();
    },
  };
  return database;
}

interface ExecutorParts extends Pick<Parts, 'textOf'> {
  readonly client: Queryable;
  /** The pool that the client is of, if Daybook opened that itself. */
  readonly own: OwnPool | undefined;
  readonly limit: Limit;
  explain(error: unknown): unknown;
}

/** How long a statement may take. */
interface Limit {
  readonly query_timeout?: number;
}

function createExecutor({ client, own, limit, textOf, explain }: ExecutorParts): Executor {
  const prepares = own?.prepares ?? never;
  return {
    async run<Params, Row>(statement: Statement<Params, Row>, params: Params): Promise<Row[]> {
      try {
        // What is spread comes last: a literal that begins so is slow to make, and slower to get rid of.
        const result = await client.query({
          text: textOf(statement),
          values: statement.values(params).map((value) => sendable(value, own !== undefined)),
          types: resultTypes,
          ...(isPrepared(statement) && prepares() ? { name: statement.name } : {}),
          ...limit,
        });
        return result.rows as Row[];
      } catch (error) {
        throw explain(error);
      }
    },
  };
}

const never = () => false;

/** Statements as text for a schema, each made once. */
function createTexts(schema: string): Parts['textOf'] {
  const texts = new Map<string, string>();
  return (statement) => {
    const known = texts.get(statement.name);
    if (known !== undefined) return known;
    const text = `/* daybook:${statement.name} */ ${statement.sql(schema)}`;
    texts.set(statement.name, text);
    return text;
  };
}

/** Longer names of prepared statements are cut by Postgres. */
const NAME_BYTES = 63;

function isPrepared({ name, prepared }: Statement<never, unknown>): boolean {
  return prepared === true && name.length <= NAME_BYTES;
}
