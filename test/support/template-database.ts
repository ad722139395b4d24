import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { migrate } from '../../src/store/migrate.ts';

const migrationsFolder = fileURLToPath(new URL('../../migrations/', import.meta.url));

/** The schema of the template, and of every test database that names none. */
export const defaultSchema = 'daybook';

/** Runs `work` on a connection of its own. */
export async function withClient<Result>(
  connectionString: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The same server, another database. */
export function addressOf(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

/**
 * The name of a database with all migrations applied, made by whoever needs it first. It is named
 * after the migrations, so that a server that lives on never offers an old one.
 */
export async function templateDatabase(server: string): Promise<string> {
  const name = `daybook_template_${await migrationsHash()}`;
  await withClient(server, async (client) => {
    await client.query('select pg_advisory_lock(7070)');
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 1) return;
    const building = `${name}_building`;
    await client.query(`drop database if exists ${building} with (force)`);
    await client.query(`create database ${building}`);
    const connection = { connectionString: addressOf(server, building) };
    await migrate({ connection, schema: defaultSchema });
    await client.query(`alter database ${building} rename to ${name}`);
  });
  return name;
}

async function migrationsHash(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of (await readdir(migrationsFolder)).toSorted()) {
    hash.update(file).update(await readFile(`${migrationsFolder}${file}`));
  }
  return hash.digest('hex').slice(0, 12);
}
