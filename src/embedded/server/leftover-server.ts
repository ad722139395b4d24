import { readFile, readlink, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { embeddedFailure } from '../embedded-failure.ts';
import { errorCode } from '../error-code.ts';
import type { ServerPlace } from '../place/server-place.ts';
import { postmasterFilePath, readPostmasterFile } from './postmaster-file.ts';
import { type Postmaster, stopPostmaster, untilReady } from './postmaster.ts';
import { commandLine, processMark } from './process-mark.ts';
import { takesConnections } from './readiness-probe.ts';
import { serverArguments, serverProgram } from './server-settings.ts';

/** How a server must have been started to be taken over. */
export interface Wanted {
  readonly settings: Readonly<Record<string, string>> | undefined;
  readonly port: number | undefined;
  /** False when the password is lost, so that nobody could log in. */
  readonly canLogIn: boolean;
}

/** A leftover that is still replaying its log after a crash of its own is given this long. */
const readyPatienceMs = 60_000;

/**
 * Deals with a server that a killed Daybook left on this data folder: takes it over if it takes
 * connections and was started the way we would, stops it otherwise. The caller holds the claim, so no
 * living Daybook uses it. Afterwards a server is returned, or none runs and one can be started.
 * @throws DaybookError `embedded-postgres-failed` when it cannot be stopped or told from another
 */
export async function takeLeftover(
  place: ServerPlace,
  wanted: Wanted,
): Promise<Postmaster | undefined> {
  const file = await readPostmasterFile(place.dataFolder);
  if (file === undefined) return undefined;
  const mark = await processMark(file.pid);
  // Postgres itself removes the file of a dead server, after it has looked for survivors of it.
  if (mark === undefined) return undefined;
  if (!(await servesFolder(file.pid, place.dataFolder))) {
    // The pid was given to another program. Postgres would take it for a server, so the file must go.
    await rm(postmasterFilePath(place.dataFolder), { force: true });
    return undefined;
  }
  const fits =
    wanted.canLogIn &&
    (wanted.port ?? file.port) === file.port &&
    (await startedAs(place, wanted, file.port));
  if (
    fits &&
    (await untilReady(place.dataFolder, mark, readyPatienceMs)) &&
    (await takesConnections(file.port))
  ) {
    return { mark, port: file.port };
  }
  await stopPostmaster(mark);
  return undefined;
}

/** True if `pid` is the server of this data folder; false if it is anything else. */
async function servesFolder(pid: number, dataFolder: string): Promise<boolean> {
  const command = await commandLine(pid);
  const [program = ''] = command.split(' ');
  if (!/^postgres(\.exe)?:?$/.test(basename(program))) return false;
  if (`${command} `.includes(` -D ${dataFolder} `)) return true;
  if (command.includes(' -D ')) return false;
  // Started by hand, or a child of some server: its working folder tells whose it is.
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === dataFolder;
  } catch (error) {
    throw embeddedFailure(
      `The file ${postmasterFilePath(dataFolder)} names process ${pid}, a Postgres of which Daybook cannot tell whether it uses this folder: end it, or remove the file if it does not.`,
      error,
    );
  }
}

/** Compares with the command line that the server itself wrote down when it started. */
async function startedAs(
  { dataFolder, binaries }: ServerPlace,
  wanted: Wanted,
  port: number,
): Promise<boolean> {
  const expected = [
    serverProgram(binaries.nativeFolder),
    ...serverArguments(dataFolder, port, wanted.settings).map((argument) => `"${argument}"`),
  ].join(' ');
  try {
    return (await readFile(join(dataFolder, 'postmaster.opts'), 'utf8')).trim() === expected;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
