import { setTimeout as wait } from 'node:timers/promises';
import { seconds } from '../world/sessions.ts';
import type { Fault } from './fault.ts';

/** Idle in transaction, and holding locks: on one running job and one waiting job of each queue. */
export const lockedJobs: Fault = {
  name: 'locked-jobs',
  async inflict({ world }) {
    const forMs = world.tempo.beyondLeaseMs;
    const holder = await world.connect();
    let locked = 0;
    try {
      await holder.query('begin');
      for (const state of ['is not null', 'is null']) {
        const { rowCount } = await holder.query(
          `select c.id from daybook.queues q cross join lateral (
             select id from daybook.job_claims c
             where c.queue_id = q.id and c.lease_token ${state} limit 1 for update skip locked) c`,
        );
        locked += rowCount ?? 0;
      }
      await wait(forMs);
    } finally {
      await holder.end();
    }
    return { what: `${locked} jobs for ${seconds(forMs)}` };
  },
};
