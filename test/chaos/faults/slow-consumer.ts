import { setTimeout as wait } from 'node:timers/promises';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** A reader of the log takes nothing for a while, with everything it is sent piling up before it. */
export const slowConsumer: Fault = {
  name: 'slow-consumer',
  async inflict({ world, readers, chance }) {
    const reader = chance.pick(readers);
    reader.pause();
    await wait(world.tempo.beyondLeaseMs);
    reader.resume();
    return { what: `${reader.name} for ${seconds(world.tempo.beyondLeaseMs)}` };
  },
};
