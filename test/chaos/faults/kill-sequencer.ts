import { sequencingKeeper } from '../world/sequencing.ts';
import type { Fault } from './fault.ts';

/** SIGKILL of the process that sequences, keeps the read models and takes jobs back. */
export const killSequencer: Fault = {
  name: 'kill-sequencer',
  async inflict({ world, chance }) {
    const victim = await sequencingKeeper(world);
    victim.kill(chance.between(200, 3_000));
    return { what: victim.name };
  },
};
