import { setTimeout as wait } from 'node:timers/promises';
import { allProcesses } from '../world/any-process.ts';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** Everything on its way to and from Postgres arrives later. */
export const delayConnections: Fault = {
  name: 'delay-connections',
  async inflict({ world, chance }) {
    const delayMs = chance.between(20, 250);
    const forMs = world.tempo.withinLeaseMs;
    const victims = allProcesses(world).filter(() => chance.oneIn(2));
    for (const { proxy } of victims) proxy.delay(delayMs);
    await wait(forMs);
    for (const { proxy } of victims) proxy.heal();
    return { what: `${victims.length} processes by ${delayMs} ms for ${seconds(forMs)}` };
  },
};
