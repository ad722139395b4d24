import { randomUUID } from 'node:crypto';
import { link, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asEmbeddedFailure, embeddedFailure } from '../embedded-failure.ts';
import { errorCode } from '../error-code.ts';
import { isAlive, type ProcessMark, processMark } from '../server/process-mark.ts';

/** The right of this process to run a server on a data folder. */
export interface DataFolderClaim {
  /** Lets others claim it. Idempotent; resolves also if the file is gone. */
  release(): Promise<void>;
}

interface OwnerFile {
  readonly path: string;
  readonly number: number;
  readonly owner: ProcessMark;
}

/**
 * Makes this process the owner of the data folder, for as long as it lives or until it releases it.
 *
 * Owner files are numbered, `<data folder>.owner-<n>`, and never replaced: whoever finds only dead
 * owners links the next number, which the file system grants to one process alone. So two that take
 * over from the same dead owner cannot both succeed, and nobody ever removes a living owner's file.
 * @throws DaybookError `embedded-postgres-failed` when a living process owns the folder
 */
export async function claimDataFolder(dataFolder: string): Promise<DataFolderClaim> {
  const self = (await processMark(process.pid)) ?? { pid: process.pid, started: null };
  const draft = `${dataFolder}.claim-${randomUUID()}`;
  try {
    await writeFile(draft, JSON.stringify(self), { mode: 0o644 });
    for (;;) {
      const found = await ownerFiles(dataFolder);
      await refuseLiving(dataFolder, found);
      const path = `${dataFolder}.owner-${Math.max(0, ...found.map(({ number }) => number)) + 1}`;
      if (!(await linkNew(draft, path))) continue;
      // One that stalled since it looked may hold a lower number by now, so look again.
      const others = (await ownerFiles(dataFolder)).filter((other) => other.path !== path);
      try {
        await refuseLiving(dataFolder, others);
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
      await Promise.all(others.map((other) => rm(other.path, { force: true })));
      return { release: () => rm(path, { force: true }) };
    }
  } catch (error) {
    // What the drafts and owner files are called means nothing to the person: the folder is the matter.
    throw asEmbeddedFailure(error, dirname(dataFolder));
  } finally {
    await rm(draft, { force: true });
  }
}

async function linkNew(existing: string, path: string): Promise<boolean> {
  try {
    await link(existing, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function refuseLiving(dataFolder: string, files: readonly OwnerFile[]): Promise<void> {
  for (const { owner } of files) {
    if (!(await isAlive(owner))) continue;
    const who =
      owner.pid === process.pid
        ? 'This process already runs'
        : `Another Daybook (pid ${owner.pid}) runs`;
    throw embeddedFailure(
      `${who} on the data folder ${dataFolder}; stop it or choose another folder with --data.`,
    );
  }
}

async function ownerFiles(dataFolder: string): Promise<OwnerFile[]> {
  const prefix = `${basename(dataFolder)}.owner-`;
  const found: OwnerFile[] = [];
  for (const name of await readdir(dirname(dataFolder))) {
    const number = Number(name.startsWith(prefix) ? name.slice(prefix.length) : Number.NaN);
    if (!Number.isSafeInteger(number)) continue;
    const path = join(dirname(dataFolder), name);
    const owner = await readOwner(path);
    if (owner !== undefined) found.push({ path, number, owner });
  }
  return found;
}

/** Undefined when the file went away meanwhile. An unreadable one (a crash of the machine emptied it) names nobody. */
async function readOwner(path: string): Promise<ProcessMark | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const match = /^\{"pid":(\d+),"started":(?:null|"([^"]*)")\}$/.exec(text);
  return { pid: Number(match?.[1] ?? 0), started: match?.[2] ?? null };
}
