import { setTimeout as wait } from 'node:timers/promises';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** One transaction keeps an old snapshot, and another one has written and stays open. */
export const heldSnapshot: Fault = {
  name: 'held-snapshot',
  async inflict({ world }) {
    const forMs = world.tempo.beyondLeaseMs;
    const [reader, writer] = [await world.connect(), await world.connect()];
    try {
      await reader.query('begin isolation level repeatable read');
      await reader.query('select count(*) from daybook.job_claims');
      await writer.query('begin');
      await writer.query('select pg_current_xact_id()');
      await wait(forMs);
    } finally {
      await Promise.all([reader.end(), writer.end()]);
    }
    return { what: `for ${seconds(forMs)}` };
  },
};
