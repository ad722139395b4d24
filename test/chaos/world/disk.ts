import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../../../src/store/sqlstate.ts';

/** A place for a server's data that can be made to run full. */
export interface Disk {
  readonly folder: string;
  /** Why this one cannot run full; null where it can. */
  readonly endless: string | null;
  /** Takes every byte that is left. */
  fill(): void;
  /** Gives them back. */
  empty(): void;
  remove(): void;
}

const MIB = 1_048_576;
const SIZE_MIB = 1_024;

/**
 * A folder in memory of its own size, where this machine lets us mount one; else a plain folder, on
 * which nothing can be filled without harm to others.
 */
export function makeDisk(): Disk {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daybook-chaos-')));
  const refusal = mount(folder);
  // The server runs as another user than we do.
  chmodSync(folder, 0o755);
  const ballast = join(folder, 'ballast');
  return {
    folder,
    endless: refusal,
    fill: () => writeUntilFull(ballast),
    empty: () => rmSync(ballast, { force: true }),
    remove() {
      if (refusal === null) execFileSync('umount', ['--lazy', folder]);
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** Answers why not. */
function mount(folder: string): string | null {
  if (process.platform !== 'linux') return 'only Linux mounts a tmpfs';
  try {
    const options = `size=${SIZE_MIB}m,mode=0755`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'daybook-chaos', folder], {
      stdio: 'pipe',
    });
    return null;
  } catch (error) {
    return `no tmpfs can be mounted here: ${String(error).split('\n').at(-1) ?? ''}`;
  }
}

function writeUntilFull(path: string): void {
  const file = openSync(path, 'a');
  try {
    for (const size of [MIB, 4_096, 1]) {
      const zeros = Buffer.alloc(size);
      while (hasRoom(() => writeSync(file, zeros)));
    }
  } finally {
    closeSync(file);
  }
}

function hasRoom(write: () => unknown): boolean {
  try {
    write();
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOSPC') return false;
    throw error;
  }
}
