import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { errorCode } from '../error-code.ts';

/** Names one process for good: a pid alone is given to another process later. */
export interface ProcessMark {
  readonly pid: number;
  /** Boot and start time of the process, comparable only to itself; null where the system does not tell. */
  readonly started: string | null;
}

/** The mark of the living process `pid`; undefined if there is none (a zombie counts as none). */
export async function processMark(pid: number): Promise<ProcessMark | undefined> {
  if (!answersSignals(pid)) return undefined;
  const status = process.platform === 'linux' ? await linuxStatus(pid) : await portableStatus(pid);
  if (status === undefined) return { pid, started: null };
  return status.ended ? undefined : { pid, started: status.started };
}

/** True while the very process that the mark names lives. */
export async function isAlive(mark: ProcessMark): Promise<boolean> {
  const now = await processMark(mark.pid);
  if (now === undefined) return false;
  return mark.started === null || now.started === null || mark.started === now.started;
}

/** Program and arguments of a process, joined by spaces; empty if it is gone or does not tell. */
export async function commandLine(pid: number): Promise<string> {
  if (process.platform !== 'linux') return await ps(pid, 'command=');
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').join(' ').trim();
  } catch (error) {
    if (!isGone(error)) throw error;
    return '';
  }
}

function answersSignals(pid: number): boolean {
  // kill(2) takes 0 and below for groups of processes, which would answer.
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

async function linuxStatus(pid: number): Promise<{ ended: boolean; started: string } | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    // proc(5): the name, field 2, is in brackets and may hold any character; field 3 is the state, 22 the start.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      ended: fields[0] === 'Z' || fields[0] === 'X',
      started: `${boot.trim()}:${fields[19] ?? ''}`,
    };
  } catch (error) {
    // Hidden from us (hidepid), or gone between the two looks: the signal's answer stands for now.
    if (isGone(error) || errorCode(error) === 'EACCES') return undefined;
    throw error;
  }
}

async function portableStatus(
  pid: number,
): Promise<{ ended: boolean; started: string } | undefined> {
  const [state, ...started] = (await ps(pid, 'stat=,lstart=')).split(/\s+/);
  if (state === undefined || state === '') return undefined;
  return { ended: state.startsWith('Z'), started: started.join(' ') };
}

async function ps(pid: number, columns: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', columns, '-p', String(pid)], {
      env: { ...process.env, LC_ALL: 'C' },
    });
    return stdout.trim();
  } catch {
    // No `ps`, or no such process: both mean that nothing is known about it.
    return '';
  }
}

function isGone(error: unknown): boolean {
  return errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH';
}
