import { setTimeout as wait } from 'node:timers/promises';
import { sequencingKeeper } from '../world/sequencing.ts';
import type { Fault } from './fault.ts';

/** How long the duty of a sequencer lasts without it, and more: another one begins meanwhile. */
const FOR_MS = 8_000;

/** SIGSTOP of the process that sequences, and SIGCONT when another has taken over: two at once. */
export const pauseSequencer: Fault = {
  name: 'pause-sequencer',
  async inflict({ world }) {
    const victim = await sequencingKeeper(world);
    victim.pause();
    await wait(FOR_MS);
    victim.resume();
    return { what: `${victim.name} for ${FOR_MS / 1_000} s` };
  },
};
