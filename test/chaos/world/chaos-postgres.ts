import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../../src/embedded/embedded-postgres.ts';
import { monotonicMs } from '../monotonic.ts';
import type { Disk } from './disk.ts';

const START_PATIENCE_MS = 60_000;
const START_AGAIN_MS = 250;

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
  /** Starts it, if it does not run; tries again while it cannot start, as on a full disk. */
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

  let starting: Promise<void> | null = null;
  const stop = async () => {
    await starting?.catch(() => undefined);
    const stopping = server;
    server = null;
    await stopping?.stop();
  };
  const startAgain = async () => {
    // One that ended by itself is let go of first.
    if (server !== null && !isAlive(server.pid)) {
      const ended = server;
      server = null;
      await ended.stop();
    }
    const began = monotonicMs();
    while (server === null) {
      server = await startEmbeddedPostgres({ dataFolder, settings, port }).catch(
        async (error: unknown) => {
          if (monotonicMs() - began > START_PATIENCE_MS) throw error;
          await wait(START_AGAIN_MS);
          return null;
        },
      );
    }
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
      if (server !== null && isAlive(server.pid)) process.kill(server.pid, 'SIGQUIT');
      await stop();
    },
    start() {
      starting ??= startAgain().finally(() => {
        starting = null;
      });
      return starting;
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
