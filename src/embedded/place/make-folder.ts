import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../error-code.ts';
import { pathExists } from '../path-exists.ts';

/**
 * Makes a folder and those above it that are missing, all of them open for others to pass through,
 * whatever the umask: the server may run as another user. What must be private is closed itself.
 */
export async function makeFolder(folder: string): Promise<void> {
  if (await pathExists(folder)) return;
  await makeFolder(dirname(folder));
  // One by one: a recursive mkdir reports a read-only disk as ENOENT (Node 20).
  try {
    await mkdir(folder);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return;
    throw error;
  }
  await chmod(folder, 0o755);
}
