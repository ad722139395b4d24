import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../error-code.ts';

/** What a running server says about itself in `postmaster.pid`. */
export interface PostmasterFile {
  readonly pid: number;
  readonly port: number;
  /** `starting`, `ready`, `standby` or `stopping`; empty before the server has said. */
  readonly status: string;
}

/** Reads `postmaster.pid`, whose lines `pidfile.h` of Postgres fixes; undefined if there is none. */
export async function readPostmasterFile(dataFolder: string): Promise<PostmasterFile | undefined> {
  try {
    const lines = (await readFile(postmasterFilePath(dataFolder), 'utf8')).split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3] ?? 0), status: lines[7]?.trim() ?? '' };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function postmasterFilePath(dataFolder: string): string {
  return join(dataFolder, 'postmaster.pid');
}
