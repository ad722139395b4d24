import type { Fault } from './fault.ts';

/** SIGKILL of an API in the middle of its answers; clients do not know what became of their requests. */
export const killApi: Fault = {
  name: 'kill-api',
  async inflict({ world, chance }) {
    const victim = chance.pick(world.apis);
    await victim.ready;
    victim.kill(chance.between(200, 2_000));
    return { what: victim.name };
  },
};
