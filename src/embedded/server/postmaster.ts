import type { ChildProcess } from 'node:child_process';
import { open, rename, stat } from 'node:fs/promises';
import { systemClock } from '../../kernel/clock.ts';
import { asEmbeddedFailure, embeddedFailure } from '../embedded-failure.ts';
import { errorCode } from '../error-code.ts';
import { pathExists } from '../path-exists.ts';
import type { ServerPlace } from '../place/server-place.ts';
import { freePort } from './free-port.ts';
import { readPostmasterFile } from './postmaster-file.ts';
import { isAlive, type ProcessMark, processMark } from './process-mark.ts';
import { serverArguments, serverProgram } from './server-settings.ts';
import { cannotRun, spawnAs } from './spawn-as.ts';

/** A server that takes connections. */
export interface Postmaster {
  readonly mark: ProcessMark;
  readonly port: number;
}

/** After a crash the server first replays up to max_wal_size of its log, which takes minutes on a slow disk. */
const readyPatienceMs = 5 * 60_000;
/** Orphans of a killed server hold its shared memory until they notice, which takes one statement. */
const orphanPatienceMs = 15_000;
const fastShutdownMs = 10_000;
const lookEveryMs = 20;
const logLimitBytes = 16 * 1024 * 1024;

/**
 * Starts a server in a process group of its own, which outlives us and gets no Ctrl-C, and waits
 * until it takes connections. It writes to `<data folder>.log`.
 * @param port undefined: a free one
 * @throws DaybookError `embedded-postgres-failed` with the server's own reason
 */
export async function startPostmaster(
  place: ServerPlace,
  settings: Readonly<Record<string, string>> | undefined,
  port: number | undefined,
): Promise<Postmaster> {
  const started = systemClock.elapsedMs();
  for (let tries = 1; ; tries += 1) {
    const chosen = port ?? (await freePort());
    const launched = await launch(place, serverArguments(place.dataFolder, chosen, settings));
    if (launched.complaint === undefined) return { mark: launched.mark, port: chosen };
    const { complaint } = launched;
    if (complaint.includes('Address already in use')) {
      if (port === undefined && tries < 5) continue;
      throw embeddedFailure(
        `Port ${chosen} of 127.0.0.1 is taken: stop the other program, or choose another port.`,
        complaint,
      );
    }
    if (
      complaint.includes('shared memory block') &&
      systemClock.elapsedMs() - started < orphanPatienceMs
    ) {
      await systemClock.sleep(100);
      continue;
    }
    throw embeddedFailure(
      `Postgres did not start: ${reason(complaint)} (its log is ${logPath(place.dataFolder)}).`,
      complaint,
    );
  }
}

/**
 * Ends a server by a fast shutdown (clients are cut off, everything is written), by an immediate one
 * if that takes longer than 10 s, and by force if nothing else helps; none of them loses what was
 * committed. Resolves once the process is gone, also if it was before.
 * @throws DaybookError `embedded-postgres-failed` when it cannot be ended
 */
export async function stopPostmaster(mark: ProcessMark): Promise<void> {
  // SIGCONT first: a suspended server would not hear anything else.
  for (const signals of [['SIGCONT', 'SIGINT'], ['SIGQUIT'], ['SIGKILL']] as const) {
    if (!(await isAlive(mark))) return;
    for (const signal of signals) send(mark.pid, signal);
    const asked = systemClock.elapsedMs();
    while (systemClock.elapsedMs() - asked < fastShutdownMs) {
      if (!(await isAlive(mark))) return;
      await systemClock.sleep(lookEveryMs);
    }
  }
  throw embeddedFailure(
    `Postgres (pid ${mark.pid}) does not end: its disk may hang; end it by hand before the next start.`,
  );
}

/** Waits until the server takes connections; false if it ended, began to stop or took longer than `patienceMs`. */
export async function untilReady(
  dataFolder: string,
  mark: ProcessMark,
  patienceMs: number,
): Promise<boolean> {
  const started = systemClock.elapsedMs();
  while (systemClock.elapsedMs() - started < patienceMs) {
    // Alive is asked first: a server that has ended leaves no file, or one that still says ready.
    if (!(await isAlive(mark))) return false;
    const file = await readPostmasterFile(dataFolder);
    if (file?.pid === mark.pid && file.status === 'ready') return true;
    if (file?.pid === mark.pid && file.status === 'stopping') return false;
    await systemClock.sleep(lookEveryMs);
  }
  return false;
}

function logPath(dataFolder: string): string {
  return `${dataFolder}.log`;
}

type Launched =
  | { readonly mark: ProcessMark; readonly complaint?: undefined }
  | { readonly complaint: string };

/** Starts the program once; `complaint` is what it wrote to the log before it gave up. */
async function launch(
  { binaries, dataFolder, user }: ServerPlace,
  args: readonly string[],
): Promise<Launched> {
  const program = serverProgram(binaries.nativeFolder);
  const log = await openLog(dataFolder);
  try {
    const from = (await log.stat()).size;
    // A log file and no pipe: the server goes on writing to it when we are gone.
    const stdio = ['ignore' as const, log.fd, log.fd];
    const child = spawnAs(user, program, args, { stdio, detached: true });
    const mark = await markOf(child, program, user);
    child.unref();
    if (mark !== undefined && (await untilReady(dataFolder, mark, readyPatienceMs)))
      return { mark };
    if (mark !== undefined && (await isAlive(mark))) {
      await stopPostmaster(mark);
      throw embeddedFailure(
        `Postgres started but did not become ready: ${logPath(dataFolder)} tells why.`,
      );
    }
    const { size } = await log.stat();
    const said = await log.read(Buffer.alloc(size - from), 0, size - from, from);
    return { complaint: said.buffer.toString('utf8') };
  } finally {
    await log.close();
  }
}

/** Undefined when it has ended already. */
async function markOf(
  child: ChildProcess,
  program: string,
  user: ServerPlace['user'],
): Promise<ProcessMark | undefined> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    // Stays for the child's life: without a listener a later error would end our process.
    child.on('error', (error) => reject(cannotRun(program, user, error)));
  });
  return child.pid === undefined ? undefined : await processMark(child.pid);
}

/** Opens the log for appending; an overlong one is first put aside as `<log>.old`. */
async function openLog(dataFolder: string) {
  const path = logPath(dataFolder);
  try {
    if ((await pathExists(path)) && (await stat(path)).size > logLimitBytes)
      await rename(path, `${path}.old`);
    return await open(path, 'a+', 0o600);
  } catch (error) {
    throw asEmbeddedFailure(error);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone in this moment, which is what we want.
    if (errorCode(error) !== 'ESRCH') throw asEmbeddedFailure(error);
  }
}

/** The server's last word: the text of the last FATAL or PANIC line, or its last line. */
function reason(complaint: string): string {
  const lines = complaint.split('\n').filter((line) => line.trim() !== '');
  const line =
    lines.findLast((text) => /\b(FATAL|PANIC):/.test(text)) ?? lines.at(-1) ?? 'it said nothing';
  return line
    .replace(/^.*?\b(FATAL|PANIC): +/, '')
    .replace(/\.$/, '')
    .trim();
}
