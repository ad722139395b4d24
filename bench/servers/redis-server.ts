import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/embedded/server/free-port.ts';
import { untilStopped } from './running.ts';

/** How it is asked to keep what it has: every write in a log, which reaches the disk each second. */
export const redisSettings = { appendonly: 'yes', appendfsync: 'everysec', save: '' };

export interface RedisServer {
  readonly port: number;
  readonly pid: number;
  /** Ends it and throws its data away. */
  stop(): Promise<void>;
}

/** Its version, or null where no `redis-server` is installed. */
export function redisVersion(): string | null {
  const { stdout, error } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return error === undefined ? (/v=(\S+)/.exec(stdout)?.[1] ?? 'unknown') : null;
}

/** Starts a `redis-server` on a free port of 127.0.0.1, with its data in a temporary folder. */
export async function startRedis(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-bench-redis-'));
  const port = await freePort();
  const settings = { bind: '127.0.0.1', port: String(port), dir: folder, ...redisSettings };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn('redis-server', args, { stdio: ['ignore', 'ignore', 2] });
  const exited = once(child, 'exit');
  await answers(port);
  return {
    port,
    pid: child.pid ?? 0,
    stop: untilStopped(async () => {
      child.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true, force: true });
    }),
  };
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const socket = createConnection({ host: '127.0.0.1', port });
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (tries > 200) throw error;
      await sleep(20);
    } finally {
      socket.destroy();
    }
  }
}
