import { setTimeout as wait } from 'node:timers/promises';
import { anyProcess } from '../world/any-process.ts';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** The server’s kernel gives up on a connection that nobody answers on, a while later. */
const BURIED_AFTER_MS = 40_000;

/**
 * A process’s connections fall silent for good, as when a firewall forgets them: nobody is told. New
 * ones work again soon; the server learns of the old ones much later, and keeps their locks till then.
 */
export const halfOpenConnections: Fault = {
  name: 'half-open-connections',
  async inflict({ world, chance }) {
    const victim = anyProcess(world, chance);
    const forMs = world.tempo.withinLeaseMs * chance.next();
    victim.proxy.silence();
    await wait(forMs);
    victim.proxy.heal();
    setTimeout(() => victim.proxy.bury(), BURIED_AFTER_MS).unref();
    return { what: `${victim.name}, new ones too for ${seconds(forMs)}` };
  },
};
