import { setTimeout as wait } from 'node:timers/promises';
import { anyProcess } from '../world/any-process.ts';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** The network between some processes and Postgres resets what there is, and refuses what comes. */
export const cutConnections: Fault = {
  name: 'cut-connections',
  async inflict({ world, chance }) {
    const victims = [anyProcess(world, chance), anyProcess(world, chance)];
    const forMs = world.tempo.withinLeaseMs * chance.next();
    for (const { proxy } of victims) proxy.cut('closed');
    await wait(forMs);
    for (const { proxy } of victims) proxy.heal();
    return { what: `${victims.map(({ name }) => name).join(', ')} for ${seconds(forMs)}` };
  },
};
