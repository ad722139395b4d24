import { join } from 'node:path';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../../src/embedded/embedded-postgres.ts';
import type { Disk } from './disk.ts';

/** A Postgres of our own, with which one may do as one likes. */
export interface ChaosPostgres {
  /** The same through its whole life. */
  readonly port: number;
  /** Its address, or the one that leads through a proxy on this port. */
  url(port?: number): string;
  /** Ends connections and writes everything, as `pg_ctl stop -m fast`. */
  stop(): Promise<void>;
  /** Ends at once and writes nothing, as `pg_ctl stop -m immediate`: the next start recovers. */
  crash(): Promise<void>;
  /** Starts it, if it does not run. */
  start(): Promise<void>;
}

/**
 * Durable against the death of the server: what is committed has left it. `fsync` is off because no
 * fault here takes the machine down, and others use its disk.
 */
const settings = {
  fsync: 'off',
  synchronous_commit: 'on',
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  max_connections: '450',
};

export async function startChaosPostgres(disk: Disk): Promise<ChaosPostgres> {
  const dataFolder = join(disk.folder, 'postgres');
  let server: EmbeddedPostgres | null = await startEmbeddedPostgres({ dataFolder, settings });
  const address = new URL(server.connectionString);
  const port = Number(address.port);

  const stop = async () => {
    const stopping = server;
    server = null;
    await stopping?.stop();
  };
  return {
    port,
    url(through = port) {
      const other = new URL(address);
      other.port = String(through);
      return String(other);
    },
    stop,
    async crash() {
      if (server !== null) process.kill(server.pid, 'SIGQUIT');
      await stop();
    },
    async start() {
      // One that ended by itself is let go of first.
      if (server !== null && !isAlive(server.pid)) await stop();
      server ??= await startEmbeddedPostgres({ dataFolder, settings, port });
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
