import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { codeOf, sqlState } from '../../../src/store/sqlstate.ts';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** Others take every connection that the server has left; new ones are refused. */
export const noConnectionsLeft: Fault = {
  name: 'no-connections-left',
  async inflict({ world }) {
    const forMs = world.tempo.withinLeaseMs;
    const opened: pg.Client[] = [];
    try {
      for (;;) {
        const client = await world.connect().catch((error: unknown) => {
          if (codeOf(error) === sqlState.tooManyConnections) return null;
          throw error;
        });
        if (client === null) break;
        opened.push(client);
      }
      await wait(forMs);
    } finally {
      await Promise.all(opened.map((client) => client.end()));
    }
    return { what: `${opened.length} taken for ${seconds(forMs)}` };
  },
};
