import { chmod, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { codeOf } from '../../src/store/sqlstate.ts';

export type PostgresVersion = 15 | 18;

/** A server for tests: nothing on it is kept, so it need not be durable. */
export interface TestServer {
  readonly connectionString: string;
  readonly dataFolder: string;
  /** Stops the server and removes its folder. */
  stop(): Promise<void>;
}

const packages: Readonly<Record<PostgresVersion, string>> = {
  15: 'embedded-postgres-15',
  18: 'embedded-postgres',
};

const settings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '300',
};

/**
 * Starts an embedded Postgres in a folder of its own.
 * @param fill puts data there first, and the file with the password beside it
 */
export async function startTestServer(
  version: PostgresVersion,
  fill: (dataFolder: string) => Promise<void> = () => Promise.resolve(),
): Promise<TestServer> {
  await removeLeftovers(version);
  const prefix = `${folderPrefix(version)}${process.pid}-`;
  const folder = await realpath(await mkdtemp(join(tmpdir(), prefix)));
  // The server may run as another user than we do.
  await chmod(folder, 0o755);
  try {
    await fill(join(folder, 'postgres'));
    return await startIn(folder, version);
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

const folderPrefix = (version: PostgresVersion) => `daybook-test-${version}-of-`;

async function startIn(folder: string, version: PostgresVersion): Promise<TestServer> {
  const dataFolder = join(folder, 'postgres');
  const packageName = packages[version];
  const server = await startEmbeddedPostgres({ dataFolder, packageName, settings });
  return {
    connectionString: server.connectionString,
    dataFolder: server.dataFolder,
    async stop() {
      await server.stop();
      await removeFolder(folder);
    },
  };
}

/** Takes over, stops and removes servers whose test run was killed, as Ctrl-C twice does. */
async function removeLeftovers(version: PostgresVersion): Promise<void> {
  const prefix = folderPrefix(version);
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix) || isAlive(Number.parseInt(name.slice(prefix.length), 10)))
      continue;
    const folder = join(tmpdir(), name);
    // Another run may be removing it at this moment.
    const leftover = await startIn(folder, version).catch(() => undefined);
    await (leftover?.stop() ?? removeFolder(folder));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** Where global-setup.ts leaves the address of the shared server. */
export const sharedServerVariable = 'DAYBOOK_TEST_POSTGRES_18';

let postgres15: Promise<TestServer> | undefined;

/** The address of the server of a version: 18 is shared by all files, 15 is started on first use. */
export async function serverAddress(version: PostgresVersion): Promise<string> {
  if (version === 15) return (await (postgres15 ??= startTestServer(15))).connectionString;
  const address = process.env[sharedServerVariable];
  if (address === undefined) {
    throw new Error('No Postgres for this test: its vitest project lacks global-setup.ts.');
  }
  return address;
}

/** For `afterAll` of every file that asks for Postgres 15. */
export async function stopPostgres15(): Promise<void> {
  const server = await postgres15;
  postgres15 = undefined;
  await server?.stop();
}
