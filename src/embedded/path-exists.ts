import { stat } from 'node:fs/promises';
import { errorCode } from './error-code.ts';

/** True if there is something at `path` (for a symbolic link: at its end). */
export async function pathExists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
