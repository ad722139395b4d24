import { setTimeout as wait } from 'node:timers/promises';
import type { Fault } from './fault.ts';

/** SIGKILL of one worker after the other, before the jobs of the last are taken back. */
export const killWorkersInTurn: Fault = {
  name: 'kill-workers-in-turn',
  async inflict({ world, chance }) {
    const times = 4;
    for (let turn = 0; turn < times; turn += 1) {
      const victim = world.workers[turn % world.workers.length];
      await victim?.ready;
      victim?.kill(chance.between(100, 500));
      await wait(world.tempo.leaseMs / 6);
    }
    return { what: `${times} times` };
  },
};
