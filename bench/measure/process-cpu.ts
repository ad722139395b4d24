import { readdirSync, readFileSync } from 'node:fs';

/** Ticks per second of the times in /proc, which Linux fixes for all programs. */
const TICKS = 100;

/**
 * Processor time that a process and its children have used so far, those that have ended included, in
 * ms; NaN where the system does not say it the way Linux does.
 */
export function cpuMsOf(pid: number): number {
  const own = readTimes(pid);
  if (own === null) return Number.NaN;
  let ticks = own.lived + own.ended;
  for (const name of readdirSync('/proc')) {
    const child = /^\d+$/.test(name) ? readTimes(Number(name)) : null;
    if (child?.parent === pid) ticks += child.lived;
  }
  return (ticks * 1_000) / TICKS;
}

/** The parent of the process `pid` if that runs `program`; else null. */
export function parentOf(pid: number, program: string): number | null {
  const process = readTimes(pid);
  return process?.program === program ? process.parent : null;
}

interface Times {
  readonly program: string;
  readonly parent: number;
  readonly lived: number;
  /** Of children that have ended. */
  readonly ended: number;
}

function readTimes(pid: number): Times | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // Ended, or not Linux.
    return null;
  }
  // After the name, which is in brackets and may hold anything: state, parent, ...
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (index: number) => Number(fields[index]);
  const program = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  return { program, parent: field(1), lived: field(11) + field(12), ended: field(13) + field(14) };
}
