import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startScript } from '../scripts/script-process.ts';

/** The bin of the package as it is built. */
const bin = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** A `daybook start` process of its own. */
export interface ServerProcess {
  readonly url: string;
  /** Bytes that its memory takes now. */
  residentBytes(): number;
  stop(): Promise<unknown>;
}

export async function startServer(
  connectionString: string,
  schema: string,
): Promise<ServerProcess> {
  const args = ['start', '--port', '0', '--schema', schema, '--queue', 'elsewhere'];
  const server = startScript(bin, args, { env: { DATABASE_URL: connectionString } });
  const [, url = ''] = await server.line(/listens at (\S+)/);
  return {
    url,
    residentBytes: () => residentBytesOf(server.child.pid ?? 0),
    stop: () => server.stop('SIGTERM'),
  };
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
