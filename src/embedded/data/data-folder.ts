import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { embeddedFailure } from '../embedded-failure.ts';
import { errorCode } from '../error-code.ts';
import { pathExists } from '../path-exists.ts';
import type { OperatingUser } from '../place/operating-user.ts';
import type { ServerPlace } from '../place/server-place.ts';
import { runProgram } from '../server/run-program.ts';
import { serverProgram, serverRole } from '../server/server-settings.ts';

/**
 * Makes the data folder if there is none, with the role and the database `daybook`. The caller holds
 * the claim on it. It is made under another name and renamed when complete, so that a crash on the
 * way leaves nothing that looks like data.
 * @throws DaybookError `embedded-postgres-failed` when what is there is no data of this version
 */
export async function ensureDataFolder({ dataFolder, binaries, user }: ServerPlace): Promise<void> {
  await removeAbandonedDrafts(dataFolder);
  const version = await dataVersion(dataFolder);
  if (version === binaries.major) return;
  if (version !== undefined) {
    throw embeddedFailure(
      `The data in ${dataFolder} was written by Postgres ${version}, and this is Postgres ${binaries.major}: choose another folder with --data, or move the data with pg_dump.`,
    );
  }
  await refuseForeignFiles(dataFolder);
  const draft = await mkdtemp(`${dataFolder}.new-`);
  if (user !== undefined) await chown(draft, user.uid, user.gid);
  try {
    const password = randomBytes(24).toString('hex');
    const passwordFile = join(draft, 'password');
    const data = join(draft, 'data');
    await writePrivate(passwordFile, password, user);
    await runProgram(
      join(binaries.nativeFolder, 'bin', 'initdb'),
      initdbArguments(data, passwordFile),
      user,
    );
    await writePrivate(
      join(data, 'pg_hba.conf'),
      'host all all 127.0.0.1/32 scram-sha-256\n',
      user,
    );
    await runSingle({ dataFolder: data, binaries, user }, `CREATE DATABASE ${serverRole};\n`);
    await writePrivate(passwordPath(dataFolder), password, undefined);
    await rename(data, dataFolder);
    await syncFolder(dirname(dataFolder));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * The password of the role; undefined if its file was lost, in which case `resetPassword` makes a
 * new one. It lies beside the data, readable for our own user alone.
 */
export async function readPassword(dataFolder: string): Promise<string | undefined> {
  try {
    const password = await readFile(passwordPath(dataFolder), 'utf8');
    return /^[0-9a-f]{48}$/.test(password) ? password : undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Gives the role a new password. No server may run on the folder. */
export async function resetPassword(place: ServerPlace): Promise<string> {
  const password = randomBytes(24).toString('hex');
  await runSingle(place, `ALTER ROLE ${serverRole} PASSWORD '${password}';\n`);
  await writePrivate(passwordPath(place.dataFolder), password, undefined);
  return password;
}

function passwordPath(dataFolder: string): string {
  return `${dataFolder}.password`;
}

function initdbArguments(data: string, passwordFile: string): string[] {
  // Without --no-sync: writing the new files through costs 0.1 s, once, and this is a person's data.
  return [
    '-D',
    data,
    `--username=${serverRole}`,
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--locale=C',
    '--auth=scram-sha-256',
  ];
}

/** Runs SQL without a server; the packages bring no psql. The first error ends it. */
async function runSingle(
  { dataFolder, binaries, user }: Omit<ServerPlace, 'notes'>,
  sql: string,
): Promise<void> {
  const args = ['--single', '-D', dataFolder, '-c', 'exit_on_error=on', 'postgres'];
  await runProgram(serverProgram(binaries.nativeFolder), args, user, sql);
}

async function dataVersion(dataFolder: string): Promise<string | undefined> {
  try {
    return (await readFile(join(dataFolder, 'PG_VERSION'), 'utf8')).trim();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function refuseForeignFiles(dataFolder: string): Promise<void> {
  if (!(await pathExists(dataFolder)) || (await readdir(dataFolder)).length === 0) return;
  throw embeddedFailure(
    `The folder ${dataFolder} holds something else than Postgres data: choose another with --data.`,
  );
}

/** Drafts of starts that died: we hold the claim, so nobody works on them. */
async function removeAbandonedDrafts(dataFolder: string): Promise<void> {
  const parent = dirname(dataFolder);
  for (const name of await readdir(parent)) {
    if (!name.startsWith(`${basename(dataFolder)}.new-`)) continue;
    // An initdb that outlived its Daybook may still write for a moment, hence the retries.
    await rm(join(parent, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

/** Writes a file that only `user` can read, complete or not at all. */
async function writePrivate(
  path: string,
  text: string,
  user: OperatingUser | undefined,
): Promise<void> {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  await writeFile(draft, text, { mode: 0o600, flag: 'wx', flush: true });
  if (user !== undefined) await chown(draft, user.uid, user.gid);
  await rename(draft, path);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
