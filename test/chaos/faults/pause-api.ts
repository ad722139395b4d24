import { setTimeout as wait } from 'node:timers/promises';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** SIGSTOP of an API: it takes connections, and answers nobody. */
export const pauseApi: Fault = {
  name: 'pause-api',
  async inflict({ world, chance }) {
    const victim = chance.pick(world.apis);
    await victim.ready;
    victim.pause();
    await wait(world.tempo.withinLeaseMs);
    victim.resume();
    return { what: `${victim.name} for ${seconds(world.tempo.withinLeaseMs)}` };
  },
};
