import { noticed } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** SIGKILL of a worker, with whatever it was doing; another one takes its place after a while. */
export const killWorker: Fault = {
  name: 'kill-worker',
  async inflict({ world, chance }) {
    const victim = chance.pick(world.workers);
    await victim.ready;
    const { pid } = victim;
    victim.kill(chance.between(200, 2_000));
    return { what: victim.name, later: noticed(world, victim.name, pid) };
  },
};
