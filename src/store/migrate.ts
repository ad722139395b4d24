import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { runner } from 'node-pg-migrate';
import { createBackoff } from '../kernel/backoff.ts';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { DaybookError, isDaybookError } from '../kernel/errors.ts';
import { explained } from './pool/explained.ts';
import { makeClient } from './pool/list-client.ts';
import { refusalOf } from './pool/refusal.ts';
import { quotedSchema } from './schema-name.ts';
import { codeOf, sqlState } from './sqlstate.ts';

export interface MigrateOptions {
  readonly connection: pg.ClientConfig;
  readonly schema: string;
  /** Told each migration that is run. */
  readonly onMigration?: (name: string) => void;
  /**
   * How long it may wait for the lock of a table, in ms: whoever asks for that table meanwhile queues
   * behind it. Then it lets all of them pass, and tries again. Default 300 ms: where it and others wait
   * for each other, it gives way before Postgres (after a second) ends one of them, perhaps the other.
   */
  readonly lockTimeoutMs?: number;
  /** How long it tries, in ms, before it is given up; default a minute. */
  readonly patienceMs?: number;
  /** Where the migrations are; default those of this version. */
  readonly folder?: string;
  readonly clock?: Clock;
  readonly random?: () => number;
}

const LOCK_TIMEOUT_MS = 300;
/**
 * One try of so many waits so many times as long: a vacuum that holds a table is ended by Postgres for
 * the sake of who has waited for a second.
 */
const LONG_TRY = 4;

/** The migrations of this version. */
export const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));

/** Beside them, what a schema looks like to which all of them were applied. */
export const schemaFile = 'schema.txt';

/**
 * Brings the schema to this version, while processes of this and of the previous version may work on
 * it. All pending migrations go in one transaction, so one that is interrupted leaves nothing behind;
 * many processes at once wait for each other. Nothing outlives the transaction, neither a lock nor a
 * setting, so it may go through a transaction pooler.
 * @returns the names of the migrations it ran
 * @throws DaybookError `migration-failed`, `database-refused`, or `database-unavailable`
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  quotedSchema(options.schema);
  const client = makeClient(options.connection);
  // Without a listener a connection that breaks between statements would end the process.
  let lost: unknown;
  client.on('error', (error) => {
    lost = error;
  });
  try {
    await client.connect();
    const done = await patiently(options, (lockTimeoutMs) =>
      migrateOnce(client, options, lockTimeoutMs),
    );
    for (const name of done) options.onMigration?.(name);
    return done;
  } catch (error) {
    const known = explained(lost ?? error);
    if (isDaybookError(known, 'database-unavailable')) throw known;
    const refusal = refusalOf(lost ?? error);
    if (refusal !== undefined) throw refusal;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DaybookError('migration-failed', `The migration failed: ${reason}`, { cause: error });
  } finally {
    await client.end().catch(ignore);
  }
}

/** Tries again as long as the lock of a table cannot be had. */
async function patiently<Result>(
  options: MigrateOptions,
  attempt: (lockTimeoutMs: number) => Promise<Result>,
): Promise<Result> {
  const { clock = systemClock, random = Math.random, patienceMs = 60_000 } = options;
  const { lockTimeoutMs = LOCK_TIMEOUT_MS } = options;
  const pauses = createBackoff(500, 2_000, random);
  const startedAt = clock.elapsedMs();
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt(tries % LONG_TRY === 0 ? lockTimeoutMs * LONG_TRY : lockTimeoutMs);
    } catch (error) {
      if (codeOf(error) !== sqlState.lockNotAvailable) throw error;
      if (clock.elapsedMs() - startedAt > patienceMs) {
        const message = `a table it changes was held by others for ${patienceMs} ms: end long transactions, and run it again.`;
        throw new Error(message, { cause: error });
      }
      await clock.sleep(pauses.nextMs());
    }
  }
}

async function migrateOnce(
  client: pg.Client,
  { schema, folder = migrationsFolder }: MigrateOptions,
  lockTimeoutMs: number,
): Promise<string[]> {
  try {
    await client.query('begin');
    // For others that migrate there is no time limit: they do not stand in anybody's way.
    await client.query(`select pg_advisory_xact_lock(${lockNumber(schema)})`);
    await client.query(`create schema if not exists ${quotedSchema(schema)}`);
    await client.query(`set local search_path = ${quotedSchema(schema)}`);
    await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
    // Without a schema it sets nothing for the session. Its own `begin` changes nothing; its `commit`
    // ends the transaction that was begun here.
    const done = await runner({
      dbClient: client,
      dir: folder,
      ignorePattern: String.raw`(\..*|.*\.txt)`,
      direction: 'up',
      migrationsSchema: schema,
      migrationsTable: 'migrations',
      noLock: true,
      singleTransaction: true,
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    });
    await client.query('commit');
    return done.map(({ name }) => name);
  } catch (error) {
    await client.query('rollback').catch(ignore);
    throw error;
  }
}

function ignore(): void {
  // The runner's own progress lines, and a connection that is broken anyway.
}

/** One advisory lock per schema, so that schemas of one database do not wait for each other. */
function lockNumber(schema: string): number {
  let hash = 0x0daeb00c;
  for (const character of schema) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 2 ** 48;
  return hash;
}
