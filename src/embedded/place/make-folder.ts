import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it that are missing, all of them open for others to pass through,
 * whatever the umask: the server may run as another user. What must be private is closed itself.
 */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    await chmod(made, 0o755);
    if (made === first) return;
  }
}
