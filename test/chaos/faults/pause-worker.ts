import { setTimeout as wait } from 'node:timers/promises';
import { startStraddling } from '../load/straddling-jobs.ts';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** SIGSTOP of a worker for longer than its lease, and SIGCONT: it wakes when its jobs are others'. */
export const pauseWorker: Fault = {
  name: 'pause-worker',
  async inflict({ world, load, chance }) {
    const victim = chance.pick(world.workers);
    await victim.ready;
    const forMs = world.tempo.beyondLeaseMs * (0.9 + chance.next() / 5);
    await startStraddling(world, load, forMs);
    victim.pause();
    await wait(forMs);
    victim.resume();
    return { what: `${victim.name} for ${seconds(forMs)}` };
  },
};
