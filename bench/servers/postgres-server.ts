import { rm } from 'node:fs/promises';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { parentOf } from '../measure/process-cpu.ts';
import { untilStopped } from './running.ts';

/** The Postgres that contenders are measured on. */
export interface PostgresServer {
  /** One connection, for what the benchmark itself asks. */
  readonly admin: pg.Client;
  /** The process of the server, where it runs on this machine; else 0. */
  readonly pid: number;
  /** As in server_version_num. */
  readonly version: number;
  /** A database that nobody has worked in. */
  makeDatabase(): Promise<FreshDatabase>;
  stop(): Promise<void>;
}

export interface FreshDatabase {
  readonly name: string;
  readonly url: string;
  drop(): Promise<void>;
}

/** Starts an embedded Postgres whose data is thrown away at the end. @param packageName of its binaries */
export async function startOwnPostgres(packageName = 'embedded-postgres'): Promise<PostgresServer> {
  const folder = `.daybook/bench-${process.pid}-${packageName}`;
  const server = await startEmbeddedPostgres({ dataFolder: `${folder}/postgres`, packageName });
  return connect(server.connectionString, server.pid, async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
    // Elsewhere where the server's user cannot reach the project.
    await rm(server.dataFolder, { recursive: true, force: true });
  });
}

/** Uses a server that is there. */
export function useServer(connectionString: string): Promise<PostgresServer> {
  return connect(connectionString, undefined, async () => undefined);
}

async function connect(
  connectionString: string,
  knownPid: number | undefined,
  end: () => Promise<void>,
): Promise<PostgresServer> {
  const admin = new pg.Client({ connectionString });
  await admin.connect();
  const pid = knownPid ?? (await postmasterOf(admin));
  const version = await admin.query<{ number: string }>(
    "select current_setting('server_version_num') as number",
  );
  let databases = 0;
  return {
    admin,
    pid,
    version: Number(version.rows[0]?.number),
    async makeDatabase() {
      const name = `daybook_bench_${process.pid}_${(databases += 1)}`;
      await admin.query(`create database ${name}`);
      // Each run begins with the same way to go to the next one.
      await admin.query('checkpoint');
      const url = new URL(connectionString);
      url.pathname = `/${name}`;
      const drop = async () => {
        await admin.query(`drop database ${name} with (force)`);
      };
      return { name, url: url.href, drop };
    },
    stop: untilStopped(async () => {
      await admin.end();
      await end();
    }),
  };
}

/** The parent of a backend, if that is a process of this machine. */
async function postmasterOf(admin: pg.Client): Promise<number> {
  const { rows } = await admin.query<{ pid: number }>('select pg_backend_pid() as pid');
  return parentOf(rows[0]?.pid ?? 0, 'postgres') ?? 0;
}
