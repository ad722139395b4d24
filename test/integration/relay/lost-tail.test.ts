import { describe, expect, it } from 'vitest';
import type { EventTarget } from '../../../src/relay/target/event-target.ts';
import type { TestDaybook } from '../../support/open-daybook.ts';
import { realServer } from '../../support/relay-settings.ts';
import {
  differences,
  readTargetStream,
  relayed,
  type RelayTarget,
  withRelay,
} from '../../support/relay-steps.ts';

// What only the double does on demand.
describe.skipIf(realServer() !== undefined)('the relay, where the log loses its tail', () => {
  let at: RelayTarget;
  let target: EventTarget;
  let daybook: TestDaybook;
  withRelay({}, (found) => {
    ({ at, target, daybook } = found);
  });

  const submitMany = async (count: number) => {
    const jobs = Array.from({ length: count }, (_, n) => ({ type: 'note', payload: { n } }));
    return (await daybook.submitMany(jobs)).map(({ id }) => id);
  };

  /** Waits until the log has come so far. */
  const sequenced = (position: number) =>
    expect
      .poll(
        async () => {
          const { rows } = await daybook.db.database.pool.query<{ position: string }>(
            'select position from daybook.log_head',
          );
          return Number(rows[0]?.position);
        },
        { interval: 20 },
      )
      .toBe(position);

  it('relays what stands now where the tail stood that it had read', async () => {
    const [slow = '', ...others] = await submitMany(4);
    await relayed(daybook.db);
    const { pool } = daybook.db.database;
    const { rows } = await pool.query<{ position: string }>(
      'select position from daybook.log_head',
    );
    const kept = Number(rows[0]?.position);
    // The tail: one stream of it is not taken, so that the checkpoint stays before it.
    at.double?.chooseFaults(({ stream }) => (stream === `job-${slow}` ? 'busy' : undefined));
    await daybook.cancel(slow);
    for (const id of others) await daybook.cancel(id);
    await expect
      .poll(async () => (await readTargetStream(target, `job-${others.at(-1)}`)).length)
      .toBe(2);

    // As after the promotion of a standby that had received nothing of it, and then went on at once.
    await daybook.db.database.transaction(async (_tx, client) => {
      await client.query('set local session_replication_role = replica');
      await client.query(`delete from daybook.events where position > ${kept}`);
      await client.query(`delete from daybook.log_batches where last_position > ${kept}`);
      await client.query(`
        insert into daybook.log_epochs (epoch, system_identifier, timeline, after_position, reason)
          select 2, system_identifier, timeline, ${kept}, 'test' from daybook.log_epochs where epoch = 1;
        update daybook.log_head set position = ${kept}, epoch = 2, tick = tick + 1`);
    });
    const fresh = await submitMany(20);
    await sequenced(kept + 20);
    at.double?.chooseFaults(() => undefined);
    await relayed(daybook.db);
    const missing = [];
    for (const id of fresh) {
      if ((await readTargetStream(target, `job-${id}`)).length === 0) missing.push(id);
    }
    expect(missing).toEqual([]);
    const wrong = await differences(daybook.db, target);
    // What was lost is still in the target, and `verify` says so.
    expect(wrong.every((text) => [slow, ...others].some((id) => text.includes(id)))).toBe(true);
  });
});
