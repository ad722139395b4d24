import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { chmod, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { operatingUser } from '../../src/embedded/place/operating-user.ts';
import { freePort } from '../../src/embedded/server/free-port.ts';
import { spawnAs } from '../../src/embedded/server/spawn-as.ts';
import { invariant } from '../../src/kernel/invariant.ts';

/** A PgBouncer in transaction mode in front of every database of one server. */
export interface TestPooler {
  /** Where a database of that server is reached through the pooler. */
  addressOf(direct: string): string;
  stop(): Promise<void>;
}

/** Where global-setup.ts leaves the address of the pooler that the whole run goes through. */
export const poolerVariable = 'DAYBOOK_TEST_POOLER_ADDRESS';

/** What the whole run goes through, if `npm run test:pooler` says so. */
export function poolerOfRun(): Pick<TestPooler, 'addressOf'> | undefined {
  const address = process.env[poolerVariable];
  return address === undefined ? undefined : { addressOf: (direct) => through(address, direct) };
}

/**
 * Starts PgBouncer, with the settings that docs/guides/poolers.md names.
 * @param server the address of any database of the server
 * @param serverConnections of each database, at the most; the default is PgBouncer's
 */
export async function startPooler(server: string, serverConnections = 20): Promise<TestPooler> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'daybook-pooler-')));
  const port = await freePort();
  const { hostname, port: serverPort, username, password } = new URL(server);
  const login = `user=${decodeURIComponent(username)} password=${decodeURIComponent(password)}`;
  const settings = join(folder, 'pgbouncer.ini');
  await writeFile(
    settings,
    `[databases]
* = host=${hostname} port=${serverPort} ${login}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${serverConnections}
max_client_conn = 1000
server_login_retry = 1
log_connections = 0
log_disconnections = 0
`,
  );
  // PgBouncer refuses to run as root, so it may be another user who reads this.
  await chmod(folder, 0o755);
  const user = await operatingUser(undefined);
  const child = spawnAs(user, poolerProgram() ?? 'pgbouncer', [settings], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await untilUp(child);
  return {
    addressOf: (direct) => through(`postgres://127.0.0.1:${port}`, direct),
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Where PgBouncer is; Debian puts it where only root looks. */
export function poolerProgram(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, 'pgbouncer')).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Resolves once it listens; what it said goes into the error if it ends before that. */
async function untilUp(child: ChildProcess): Promise<void> {
  invariant(child.stderr !== null, 'its messages come through a pipe');
  // Read to the end, because a full pipe would hold it up; only the newest lines are kept.
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr as Readable }).on('line', (line) => {
      if (said.push(line) > 20) said.shift();
      if (line.includes('process up')) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`pgbouncer ended: ${said.join('\n')}`)));
  });
}

function through(pooler: string, direct: string): string {
  const url = new URL(direct);
  url.host = new URL(pooler).host;
  return url.href;
}
