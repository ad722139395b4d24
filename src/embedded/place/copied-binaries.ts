import { chmod, cp, lstat, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../../kernel/ids.ts';
import { asEmbeddedFailure, embeddedFailure } from '../embedded-failure.ts';
import { errorCode } from '../error-code.ts';
import { pathExists } from '../path-exists.ts';
import { processMark } from '../server/process-mark.ts';
import { closedPath } from './closed-path.ts';
import { makeFolder } from './make-folder.ts';
import type { OperatingUser } from './operating-user.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';

/**
 * A copy of the binaries (58 MB) that `user` can run, made once per version: in `sharedFolder`, or in
 * the system's temporary folder if the first cannot be written. Safe when two processes do it at once.
 * @throws DaybookError `embedded-postgres-failed` when neither place can hold a copy that runs
 */
export async function copiedBinaries(
  binaries: PostgresBinaries,
  sharedFolder: string,
  user: OperatingUser,
): Promise<PostgresBinaries> {
  const { size, mtimeMs } = await stat(join(binaries.nativeFolder, 'bin', 'postgres'));
  const name = `postgres-${binaries.version}-${sha256(`${binaries.version} ${size} ${mtimeMs}`).slice(0, 8)}`;
  const failures: unknown[] = [];
  for (const home of [sharedFolder, join(tmpdir(), 'daybook')]) {
    try {
      const copy = {
        ...binaries,
        nativeFolder: join(await copyOnce(binaries.nativeFolder, home, name), 'native'),
      };
      const closed = await closedPath(user, [join(copy.nativeFolder, 'bin', 'postgres')]);
      if (closed === undefined) return copy;
      throw embeddedFailure(`The user ${user.name} cannot run ${closed}.`);
    } catch (error) {
      failures.push(error);
    }
  }
  throw embeddedFailure(
    `Postgres runs as the user ${user.name}, who can run it neither from the project nor from a copy: ${asEmbeddedFailure(failures[0]).message}`,
    new AggregateError(failures),
  );
}

async function copyOnce(nativeFolder: string, home: string, name: string): Promise<string> {
  await makeFolder(home);
  await trustOnlyOurs(home);
  const copy = join(home, name);
  if (await pathExists(copy)) {
    await trustOnlyOurs(copy);
    return copy;
  }
  await removeAbandonedDrafts(home, name);
  const draft = await mkdtemp(`${copy}.new-${process.pid}-`);
  try {
    await cp(nativeFolder, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    await openToAll(draft);
    await rename(draft, copy);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another process was faster: its copy is as good.
    if (!['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) throw error;
  }
  return copy;
}

/** Programs that root starts must not come from a folder that another user could have put there. */
async function trustOnlyOurs(folder: string): Promise<void> {
  const { uid, mode } = await lstat(folder);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw embeddedFailure(`The folder ${folder} can be changed by other users: remove it.`);
  }
}

async function removeAbandonedDrafts(home: string, name: string): Promise<void> {
  for (const entry of await readdir(home)) {
    if (!entry.startsWith(`${name}.new-`)) continue;
    const maker = await processMark(Number.parseInt(entry.slice(`${name}.new-`.length), 10));
    if (maker === undefined) await rm(join(home, entry), { recursive: true, force: true });
  }
}

/**
 * The copy may come from a folder that npm unpacked under a strict umask. It is written through to
 * the disk (0.2 s, once): nobody looks into it again, so a power cut must not leave half of one.
 */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await openFileToAll(path);
  }
}

async function openFileToAll(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { mode } = await file.stat();
    await file.chmod((mode & 0o100) === 0 ? 0o644 : 0o755);
    await file.sync();
  } finally {
    await file.close();
  }
}
