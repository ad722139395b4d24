import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startScript } from '../../scripts/script-process.ts';
import { untilStopped } from './running.ts';

/** The bin of the package as it is built. */
const bin = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** A `daybook start` process of its own. */
export interface ServerProcess {
  readonly url: string;
  /** Bytes that its memory takes now. */
  residentBytes(): number;
  stop(): Promise<void>;
}

/** It keeps the house and answers; its worker looks at a queue to which nobody submits. */
export async function startServer(connectionString: string): Promise<ServerProcess> {
  const args = ['start', '--port', '0', '--queue', 'elsewhere'];
  const server = startScript(bin, args, { env: { DATABASE_URL: connectionString } });
  const stop = untilStopped(() => server.stop('SIGTERM'));
  const [, url = ''] = await server.line(/listens at (\S+)/);
  return { url, residentBytes: () => residentBytesOf(server.child.pid ?? 0), stop };
}

/** NaN where the system does not say it the way Linux does. */
function residentBytesOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1_024;
  } catch {
    return Number.NaN;
  }
}
