import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { codeOf, sqlState } from '../../../src/store/sqlstate.ts';
import { seconds } from '../world/sessions.ts';
import type { World } from '../world/world.ts';
import type { Fault } from './fault.ts';

/** Others take every connection that the server has left; new ones are refused. */
export const noConnectionsLeft: Fault = {
  name: 'no-connections-left',
  async inflict({ world }) {
    const forMs = world.tempo.withinLeaseMs;
    const opened: pg.Client[] = [];
    try {
      for (let refused = false; !refused; ) {
        const more = await Promise.all(Array.from({ length: 20 }, () => connectIfLeft(world)));
        const got = more.filter((client) => client !== null);
        opened.push(...got);
        refused = got.length < more.length;
      }
      await wait(forMs);
    } finally {
      await Promise.all(opened.map((client) => client.end()));
    }
    return { what: `${opened.length} taken for ${seconds(forMs)}` };
  },
};

/** Null when the server takes no more. */
function connectIfLeft(world: World): Promise<pg.Client | null> {
  return world.connect().catch((error: unknown) => {
    if (codeOf(error) === sqlState.tooManyConnections) return null;
    throw error;
  });
}
