import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { sha256 } from '../../kernel/ids.ts';
import { embeddedFailure } from '../embedded-failure.ts';
import { errorCode } from '../error-code.ts';
import { pathExists } from '../path-exists.ts';
import { closedPath } from './closed-path.ts';
import { copiedBinaries } from './copied-binaries.ts';
import { makeFolder } from './make-folder.ts';
import { type OperatingUser, operatingUser } from './operating-user.ts';
import { completeBinaries, locateBinaries, type PostgresBinaries } from './postgres-binaries.ts';

/** Where the server's programs and data are, and who runs it: all of it reachable for that user. */
export interface ServerPlace {
  readonly binaries: PostgresBinaries;
  readonly dataFolder: string;
  /** Undefined: our own account. */
  readonly user: OperatingUser | undefined;
  readonly notes: readonly string[];
}

/** Where root keeps what the server's user cannot reach in the project. */
const sharedFolder = '/var/lib/daybook';

/**
 * Settles where to run, moving away from the wanted place only what the server's user cannot reach.
 * The parent of the data folder exists afterwards; the data folder may not.
 * @throws DaybookError `embedded-postgres-failed` when there is no such place
 */
export async function settleServerPlace(
  wantedFolder: string,
  packageName: string,
): Promise<ServerPlace> {
  const binaries = await locateBinaries(packageName);
  const wanted = await realPathSoFar(resolve(wantedFolder));
  const moved = join(sharedFolder, sha256(wanted).slice(0, 12), 'postgres');
  const wantedOwner = await dataOwner(wanted);
  const isRoot = process.getuid?.() === 0;
  const movedOwner = wantedOwner === undefined && isRoot ? await dataOwner(moved) : undefined;
  const user = await operatingUser(wantedOwner ?? movedOwner);
  await completeBinaries(binaries.nativeFolder);
  if (user === undefined) {
    await makeFolder(dirname(wanted));
    return { binaries, dataFolder: wanted, user, notes: [] };
  }
  const data = await reachableData(
    wanted,
    wantedOwner !== undefined,
    moved,
    movedOwner !== undefined,
    user,
  );
  const programs = await reachablePrograms(binaries, user);
  return {
    binaries: programs.binaries,
    dataFolder: data.folder,
    user,
    notes: [...data.notes, ...programs.notes],
  };
}

async function reachableData(
  wanted: string,
  wantedHasData: boolean,
  moved: string,
  movedHasData: boolean,
  user: OperatingUser,
): Promise<{ folder: string; notes: string[] }> {
  if (movedHasData)
    return { folder: moved, notes: [`Data in ${dirname(moved)} (where an earlier start put it)`] };
  const closed = await closedPath(user, [await existingFolder(dirname(wanted))]);
  if (closed === undefined) {
    await makeFolder(dirname(wanted));
    return { folder: wanted, notes: [] };
  }
  if (wantedHasData) {
    throw embeddedFailure(
      `The data in ${wanted} is out of reach, because Postgres runs as the user ${user.name} and ${closed} is closed to it: open that with chmod o+x, or choose another folder with --data.`,
    );
  }
  await makeFolder(dirname(moved));
  const why = `Postgres does not run as root, and ${closed} is closed to the user ${user.name}`;
  return { folder: moved, notes: [`Data in ${dirname(moved)} (${why})`] };
}

async function reachablePrograms(
  binaries: PostgresBinaries,
  user: OperatingUser,
): Promise<{ binaries: PostgresBinaries; notes: string[] }> {
  const native = binaries.nativeFolder;
  const closed = await closedPath(
    user,
    ['bin/postgres', 'lib', 'share/postgresql'].map((part) => join(native, part)),
  );
  if (closed === undefined) return { binaries, notes: [] };
  const copied = await copiedBinaries(binaries, sharedFolder, user);
  const note = `Postgres runs from a copy in ${dirname(copied.nativeFolder)} (${closed} is closed to the user ${user.name})`;
  return { binaries: copied, notes: [note] };
}

/** Who owns the data in `folder`; undefined if there is none. */
async function dataOwner(folder: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    return await stat(join(folder, 'PG_VERSION'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    if (errorCode(error) !== 'EACCES') throw error;
    throw embeddedFailure(
      `The data in ${folder} belongs to another user: start Daybook as that user, or choose another folder with --data.`,
      error,
    );
  }
}

/** Resolves the symbolic links of the part that exists, so that one folder has one name. */
async function realPathSoFar(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    return join(await realPathSoFar(dirname(path)), basename(path));
  }
}

async function existingFolder(path: string): Promise<string> {
  return (await pathExists(path)) ? path : await existingFolder(dirname(path));
}
