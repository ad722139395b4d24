import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { runner } from 'node-pg-migrate';
import { DaybookError, isDaybookError } from '../kernel/errors.ts';
import { explained } from './pool/explained.ts';
import { quotedSchema } from './schema-name.ts';

export interface MigrateOptions {
  /** A connection of its own, not through a pooler: the lock lives as long as the connection. */
  readonly connection: pg.ClientConfig;
  readonly schema: string;
  /** Told each migration that is run. */
  readonly onMigration?: (name: string) => void;
}

const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));

/**
 * Brings the schema to this version. All pending migrations go in one transaction, so one that is
 * interrupted leaves nothing behind; many processes at once wait for each other.
 * @returns the names of the migrations it ran
 * @throws DaybookError `migration-failed`, or `database-unavailable`
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const schema = options.schema;
  quotedSchema(schema);
  const client = new pg.Client(options.connection);
  // Without a listener a connection that breaks between statements would end the process.
  let lost: unknown;
  client.on('error', (error) => {
    lost = error;
  });
  try {
    await client.connect();
    const done = await runner({
      dbClient: client,
      dir: migrationsFolder,
      direction: 'up',
      schema,
      createSchema: true,
      migrationsSchema: schema,
      migrationsTable: 'migrations',
      advisoryLockMode: 'wait',
      lockValue: lockNumber(schema),
      singleTransaction: true,
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    });
    for (const { name } of done) options.onMigration?.(name);
    return done.map(({ name }) => name);
  } catch (error) {
    const known = explained(lost ?? error);
    if (isDaybookError(known, 'database-unavailable')) throw known;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DaybookError('migration-failed', `The migration failed: ${reason}`, { cause: error });
  } finally {
    await client.end().catch(ignore);
  }
}

function ignore(): void {
  // The runner's own progress lines, and the end of a connection that is broken anyway.
}

/** One advisory lock per schema, so that schemas of one database do not wait for each other. */
function lockNumber(schema: string): number {
  let hash = 0x0daeb00c;
  for (const character of schema) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 2 ** 48;
  return hash;
}
