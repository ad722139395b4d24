import { setTimeout as wait } from 'node:timers/promises';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** Postgres is shut down as an operator does it, and comes back after a while. */
export const restartPostgres: Fault = {
  name: 'restart-postgres',
  async inflict({ world, chance }) {
    const { postgres, tempo } = world;
    const awayMs = chance.oneIn(3) ? tempo.withinLeaseMs : chance.between(0, 1_000);
    await postgres.stop();
    await wait(awayMs);
    await postgres.start();
    return { what: `away for ${seconds(awayMs)}` };
  },
};
