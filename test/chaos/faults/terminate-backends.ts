import { setTimeout as wait } from 'node:timers/promises';
import type { Fault } from './fault.ts';

/** Every connection of everybody is ended by the server, again and again. */
export const terminateBackends: Fault = {
  name: 'terminate-backends',
  async inflict({ world, chance }) {
    const storms = chance.between(4, 8);
    const admin = await world.connect();
    let ended = 0;
    try {
      for (let storm = 0; storm < storms; storm += 1) {
        const { rowCount } = await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid()`,
        );
        ended += rowCount ?? 0;
        await wait(chance.between(100, 600));
      }
    } finally {
      await admin.end();
    }
    return { what: `${storms} storms, ${ended} backends` };
  },
};
