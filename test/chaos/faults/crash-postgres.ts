import { setTimeout as wait } from 'node:timers/promises';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** Postgres ends at once, in the middle of everything, and recovers from its log when it comes back. */
export const crashPostgres: Fault = {
  name: 'crash-postgres',
  async inflict({ world, chance }) {
    const { postgres, tempo } = world;
    const awayMs = chance.oneIn(3) ? tempo.beyondLeaseMs : chance.between(0, 1_000);
    await postgres.crash();
    await wait(awayMs);
    await postgres.start();
    return { what: `away for ${seconds(awayMs)}` };
  },
};
