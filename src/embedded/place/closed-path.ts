import { once } from 'node:events';
import { dirname } from 'node:path';
import { errorCode } from '../error-code.ts';
import { cannotRun, spawnAs } from '../server/spawn-as.ts';
import type { OperatingUser } from './operating-user.ts';

/**
 * The first of `paths`, or of the folders above them, that `user` may not enter (a folder) or run (a
 * file); undefined if none. Asked of the system itself, as that user, because permission bits alone
 * do not tell of access lists and of file systems mounted noexec.
 * @param paths absolute paths that exist
 */
export async function closedPath(
  user: OperatingUser,
  paths: readonly string[],
): Promise<string | undefined> {
  const all = [...new Set(paths.flatMap(withFoldersAbove))];
  const script = 'for path do [ -x "$path" ] || { printf %s "$path"; exit 1; }; done';
  const shell = spawnAs(user, '/bin/sh', ['-c', script, 'sh', ...all], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const output: Buffer[] = [];
  shell.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  await once(shell, 'close').catch((error: unknown) => {
    // Without a shell nothing can be asked, and the programs themselves will tell.
    if (errorCode(error) !== 'ENOENT') throw cannotRun('/bin/sh', user, error);
  });
  const closed = Buffer.concat(output).toString('utf8');
  return closed === '' ? undefined : closed;
}

function withFoldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === path ? [path] : [...withFoldersAbove(above), path];
}
