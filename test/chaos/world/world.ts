import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../../../src/embedded/server/free-port.ts';
import { openDaybook } from '../../../src/daybook.ts';
import { codeOf, sqlState } from '../../../src/store/sqlstate.ts';
import { monotonicMs } from '../monotonic.ts';
import type { Tempo } from '../tempo.ts';
import { type ChaosPostgres, startChaosPostgres } from './chaos-postgres.ts';
import { type ChaosProcess, type Role, startChaosProcess } from './chaos-process.ts';
import { type Disk, makeDisk } from './disk.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';

/** How many processes of each kind there are. */
export type Crowd = Readonly<Record<Role, number>>;

export interface WorldOptions {
  readonly tempo: Tempo;
  readonly crowd: Crowd;
  /** Modules that break the workers before they start. */
  readonly workerPreloads: readonly string[];
  readonly onLine: (line: string) => void;
}

/** Everything that faults are inflicted on. */
export interface World {
  readonly tempo: Tempo;
  readonly disk: Disk;
  readonly postgres: ChaosPostgres;
  readonly workers: readonly ChaosProcess[];
  readonly apis: readonly ChaosProcess[];
  readonly keepers: readonly ChaosProcess[];
  /** Where the APIs listen, whether or not they are up. */
  readonly urls: readonly string[];
  /** Where the records of all processes are. */
  readonly folder: string;
  /** Straight to the database, past all proxies. */
  readonly admin: pg.Pool;
  /** Opens a connection of its own, which the caller ends; waits for a server that is away. */
  connect(): Promise<pg.Client>;
  /** Ends all processes gracefully; answers those that did not end well. */
  stopProcesses(): Promise<string[]>;
  remove(): Promise<void>;
}

export const queues = ['main', 'side', 'long'] as const;

export async function makeWorld(options: WorldOptions): Promise<World> {
  const disk = makeDisk();
  const postgres = await startChaosPostgres(disk);
  await prepareDatabase(postgres.url());
  const folder = mkdtempSync(join(tmpdir(), 'daybook-records-'));
  const ports = await Promise.all(Array.from({ length: options.crowd.api }, () => freePort()));
  const crowd = await startCrowd(options, postgres, folder, ports);
  const all = [...crowd.keeper, ...crowd.api, ...crowd.worker];
  const admin = adminPool(postgres.url());
  return {
    tempo: options.tempo,
    disk,
    postgres,
    workers: crowd.worker,
    apis: crowd.api,
    keepers: crowd.keeper,
    urls: ports.map((port) => `http://127.0.0.1:${port}`),
    folder,
    admin,
    connect: () => connectOnceUp(postgres.url()),
    async stopProcesses() {
      const stopped = await Promise.all(
        all.map(async (each) => ({ name: each.name, code: await each.stop() })),
      );
      return stopped.filter(({ code }) => code !== 0).map(({ name, code }) => `${name}: ${code}`);
    },
    async remove() {
      await Promise.all(all.map((each) => each.stop()));
      await admin.end();
      await Promise.all(all.map(({ proxy }) => proxy.close()));
      await postgres.stop();
      disk.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const AWAY_PATIENCE_MS = 60_000;
const away = new Set<string | undefined>([sqlState.cannotConnectNow, 'ECONNREFUSED', 'ECONNRESET']);

async function connectOnceUp(connectionString: string): Promise<pg.Client> {
  const began = monotonicMs();
  for (;;) {
    const client = new pg.Client({ connectionString });
    // What faults do to it is seen in the queries that fail.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (!away.has(codeOf(error)) || monotonicMs() - began > AWAY_PATIENCE_MS) throw error;
      await wait(100);
    }
  }
}

/** Tables of the product, and those in which the harness keeps what it checks against. */
async function prepareDatabase(connectionString: string): Promise<void> {
  const daybook = await openDaybook({ connectionString, migrate: true, maintain: false });
  const { pool } = daybook.context.database;
  await pool.query(`
    create table daybook.chaos_effects (job_id uuid not null, claim integer not null);
    create table daybook.chaos_witness (
      seq bigint primary key, stream_id uuid not null, version integer not null);
    create function daybook.bear_witness() returns trigger language plpgsql as $$
    begin
      insert into daybook.chaos_witness select seq, stream_id, version from written;
      return null;
    end
    $$;
    create trigger witnessed after insert on daybook.event_inbox referencing new table as written
      for each statement execute function daybook.bear_witness();`);
  await daybook.context.names.queueIds(queues);
  await daybook.close();
}

function adminPool(connectionString: string): pg.Pool {
  const admin = new pg.Pool({
    connectionString,
    max: 4,
    connectionTimeoutMillis: 2_000,
    query_timeout: 10_000,
    application_name: 'chaos admin',
  });
  admin.on('error', () => undefined);
  return admin;
}

async function startCrowd(
  { crowd, tempo, workerPreloads, onLine }: WorldOptions,
  postgres: ChaosPostgres,
  folder: string,
  ports: readonly number[],
): Promise<Readonly<Record<Role, ChaosProcess[]>>> {
  const { leaseMs, beatMs, expiryMs } = tempo;
  const worker = JSON.stringify({ queues, leaseMs, beatMs, concurrency: 10 });
  const argsOf: Readonly<Record<Role, (name: string, index: number) => string[]>> = {
    worker: (name) => [name, folder, worker],
    api: (name, index) => [name, String(ports[index])],
    keeper: () => [String(expiryMs)],
  };
  const start = async (role: Role, index: number) => {
    const name = `${role}-${index + 1}`;
    const proxy = await startTcpProxy(() => postgres.port);
    const args = [postgres.url(proxy.port), ...argsOf[role](name, index)];
    const preloads = role === 'worker' ? workerPreloads : [];
    return startChaosProcess({ name, role, proxy, args, preloads, onLine });
  };
  const startAll = (role: Role) =>
    Promise.all(Array.from({ length: crowd[role] }, (_, index) => start(role, index)));
  const started = {
    keeper: await startAll('keeper'),
    api: await startAll('api'),
    worker: await startAll('worker'),
  };
  await Promise.all(Object.values(started).flatMap((all) => all.map(({ ready }) => ready)));
  return started;
}
