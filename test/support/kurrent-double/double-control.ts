import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DoubleCommand } from './double-process.ts';
import type { Fault } from './faults.ts';

/** A double, wherever it runs, as far as tests of a client have to do with it. */
export interface DoubleControl {
  readonly url: string;
  /** What it does to the next appends, one after the other. */
  play(...faults: readonly Fault[]): Promise<void>;
  /** Nothing is ever appended to that stream again. */
  tombstone(stream: string): Promise<void>;
  /** Breaks every connection and listens no more, until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The double in a process of its own. A process with the successor of the client needs that: the double
 * is made of the other one's messages, and both register the same names.
 */
export async function spawnDouble(): Promise<DoubleControl> {
  const program = fileURLToPath(new URL('./double-process.ts', import.meta.url));
  const child = fork(program, {
    execArgv: ['--import', 'tsx'],
    stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
  });
  const url = await addressOf(child);
  const tell = async (command: DoubleCommand) => {
    const done = once(child, 'message');
    child.send(command);
    await done;
  };
  return {
    url,
    play: (...faults) => tell({ play: faults }),
    tombstone: (stream) => tell({ tombstone: stream }),
    stop: () => tell('stop'),
    start: () => tell('start'),
    async close() {
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    },
  };
}

async function addressOf({ stdout }: ChildProcess): Promise<string> {
  let text = '';
  for await (const piece of stdout ?? []) {
    text += String(piece);
    const line = /^(esdb:\S+)\n/m.exec(text)?.[1];
    if (line !== undefined) return line;
  }
  throw new Error('The double ended before it said where it is.');
}
