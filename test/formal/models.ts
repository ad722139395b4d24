import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A model of formal/, as it is checked once. */
export interface Check {
  readonly model: 'claims' | 'sequencers';
  readonly defines: readonly string[];
  /** What it is, or what is broken in it. */
  readonly about: string;
  /** Whether everything asserted must hold, or something must fail. */
  readonly holds: boolean;
  /** Takes a minute: left out of the suite. */
  readonly deep?: true;
}

export const checks: readonly Check[] = [
  { model: 'claims', defines: [], about: 'two workers, two caretakers', holds: true },
  {
    model: 'claims',
    defines: ['CANCEL', 'CARETAKERS=1'],
    about: 'and a wish to cancel, one caretaker',
    holds: true,
    deep: true,
  },
  { model: 'claims', defines: ['CANCEL'], about: 'and a wish to cancel', holds: true, deep: true },
  { model: 'claims', defines: ['LAPSES=2'], about: 'two leases run out', holds: true, deep: true },
  { model: 'claims', defines: ['BROKEN'], about: 'no fencing', holds: false },
  {
    model: 'claims',
    defines: ['BROKEN_SETTLE'],
    about: 'sessions settled by the locked row',
    holds: false,
  },
  {
    model: 'sequencers',
    defines: ['EXTRA=0'],
    about: 'three writers, two streams',
    holds: true,
  },
  {
    model: 'sequencers',
    defines: ['STREAMS=1'],
    about: 'three writers, one stream',
    holds: true,
    deep: true,
  },
  {
    model: 'sequencers',
    defines: ['EXTRA=1'],
    about: 'two events in a transaction',
    holds: true,
    deep: true,
  },
  { model: 'sequencers', defines: ['BROKEN'], about: 'a low-water mark', holds: false },
  { model: 'sequencers', defines: ['BROKEN_FENCE'], about: 'a fence by xmax', holds: false },
  {
    model: 'sequencers',
    defines: ['BROKEN_TICK'],
    about: 'the head not locked',
    holds: false,
    deep: true,
  },
];

/** What a check has found. */
export interface Checked {
  readonly states: number;
  readonly seconds: number;
  /** The assertion that failed first; null for none. */
  readonly failure: string | null;
}

/** The longest path that is searched, in steps. */
const DEPTH = 200_000;
const MEMORY_MB = 2_000;

/**
 * Makes the verifier of a model with spin, compiles it, and lets it search every state.
 * @throws Error where it could not search them all, and found nothing wrong in those that it did
 */
export async function checkModel({ model, defines, deep, holds }: Check): Promise<Checked> {
  const cwd = await mkdtemp(join(tmpdir(), 'daybook-formal-'));
  try {
    const source = resolve('formal', `${model}.pml`);
    await run('spin', ['-a', ...defines.map((each) => `-D${each}`), source], { cwd });
    const speed = deep === true ? ['-O2', '-DCOLLAPSE'] : [holds ? '-O1' : '-O0'];
    const flags = ['-w', '-DSAFETY', `-DMEMLIM=${MEMORY_MB}`, ...speed];
    await run('cc', [...flags, '-o', 'pan', 'pan.c'], { cwd });
    const { stdout } = await run('./pan', [`-m${DEPTH}`], { cwd, maxBuffer: 2 ** 24 });
    return resultOf(stdout);
  } finally {
    await rm(cwd, { recursive: true });
  }
}

function resultOf(output: string): Checked {
  const numberOf = (pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? Number.NaN);
  const errors = numberOf(/errors: (\d+)/);
  const failure = /^pan:1: (.+) \(at depth \d+\)/m.exec(output)?.[1] ?? null;
  const isWhole = !/max search depth too small|out of memory|not completed/.test(output);
  if (Number.isNaN(errors) || (errors === 0) !== (failure === null) || (errors === 0 && !isWhole)) {
    throw new Error(`The search did not come to its end:\n${output}`);
  }
  return {
    states: numberOf(/(\d+) states, stored/),
    seconds: numberOf(/elapsed time ([\d.]+)/),
    failure,
  };
}
