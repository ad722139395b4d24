import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { type Host, run } from './network.ts';

/** A Postgres of Debian's on a host. */
export interface HostedPostgres {
  readonly url: string;
  /** Ends at once and writes nothing. */
  crash(): Promise<void>;
  query(text: string): Promise<pg.QueryResult>;
}

const versions = '/usr/lib/postgresql';

/** Where the programs of the newest Postgres on this machine are; undefined for none. */
export function postgresFolder(): string | undefined {
  if (!existsSync(versions)) return undefined;
  const newest = readdirSync(versions).toSorted((a, b) => Number(b) - Number(a));
  return newest
    .map((each) => join(versions, each, 'bin'))
    .find((bin) => existsSync(`${bin}/postgres`));
}

/** Fails no promise: nothing here survives the machine, and others use its disk. */
const settings = ['fsync=off', 'synchronous_commit=on', 'shared_buffers=64MB', 'port=5432'];
const as = ['runuser', '-u', 'postgres', '--'];

/**
 * A primary on a host, or a standby of another server. Everybody on the network of the test is let in.
 */
export async function startHosted(
  bin: string,
  folder: string,
  host: Host,
  primary?: HostedPostgres,
): Promise<HostedPostgres> {
  const data = join(folder, host.address);
  await mkdir(data, { mode: 0o700 });
  run('chown', '-R', 'postgres', folder);
  if (primary === undefined) {
    run(...as, join(bin, 'initdb'), '-D', data, '-U', 'daybook', '--auth=trust', '--no-sync');
    const rules = ['all', 'replication'].map((what) => `host ${what} all 10.213.77.0/24 trust\n`);
    await appendFile(join(data, 'pg_hba.conf'), rules.join(''));
  } else {
    const from = ['-d', primary.url, '-D', data];
    const how = ['--write-recovery-conf', '--wal-method=stream', '--checkpoint=fast', '--no-sync'];
    run(...host.by, ...as, join(bin, 'pg_basebackup'), ...from, ...how);
  }
  const given = [...settings, `listen_addresses=${host.address}`, 'unix_socket_directories='];
  const args = given.flatMap((setting) => ['-c', setting]);
  const [program = '', ...words] = [...host.by, ...as, join(bin, 'postgres'), '-D', data, ...args];
  const child = spawn(program, words, { stdio: 'ignore' });
  const url = `postgres://daybook@${host.address}:5432/postgres`;
  await answers(url, child);
  return {
    url,
    async crash() {
      if (child.exitCode !== null) return;
      const [pid = ''] = run('head', '-n', '1', join(data, 'postmaster.pid')).split('\n');
      const ended = once(child, 'exit');
      process.kill(Number(pid), 'SIGQUIT');
      await ended;
    },
    query: (text) => query(url, text),
  };
}

async function query(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await client.query(text);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  for (;;) {
    try {
      await query(url, 'select 1');
      return;
    } catch (error) {
      if (child.exitCode !== null) throw error;
    }
  }
}
