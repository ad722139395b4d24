import { setTimeout as wait } from 'node:timers/promises';
import { startStraddling } from '../load/straddling-jobs.ts';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/**
 * Everything between a worker and Postgres is held up for longer than its lease, and then delivered:
 * outcomes arrive whose claims are others' by now.
 */
export const holdConnections: Fault = {
  name: 'hold-connections',
  async inflict({ world, load, chance }) {
    const victim = chance.pick(world.workers);
    await victim.ready;
    const forMs = world.tempo.beyondLeaseMs * (0.9 + chance.next() / 5);
    await startStraddling(world, load, forMs);
    victim.proxy.hold();
    await wait(forMs);
    victim.proxy.heal();
    return { what: `${victim.name} for ${seconds(forMs)}` };
  },
};
