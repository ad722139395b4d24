import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SubscriptionControl } from '../../../src/consumers/groups/subscription-control.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';
import { endPauses, lapseDeliveries, makeJobs, memberOf, said, controlOf } from './group-steps.ts';

let db: TestDatabase;
let control: SubscriptionControl;
beforeAll(async () => {
  db = await createTestDatabase();
  control = controlOf(db);
  await makeJobs(db, 1);
});
afterAll(() => db.drop());

let groups = 0;
/** A group that reads jobs made from now on, and a first member of it. */
async function group(plan: Parameters<SubscriptionControl['put']>[1] = {}) {
  const name = `group-${(groups += 1)}`;
  await control.put(name, { filter: { eventTypes: ['JobSubmitted', 'JobCancelled'] }, ...plan });
  return { name, one: memberOf(control, name), two: memberOf(control, name, 'two') };
}

describe('a group', () => {
  it('hands each stream out in order, and different ones side by side', async () => {
    const { name, one, two } = await group();
    const ids = await makeJobs(db, 4);
    const first = await one.take(2);
    const second = await two.take();
    expect(said(first, ids)).toEqual(['0 JobSubmitted', '1 JobSubmitted']);
    expect(said(second, ids)).toEqual(['2 JobSubmitted', '3 JobSubmitted']);
    expect(await two.take()).toEqual([]);
    expect(await one.answer('ack', first.slice(1))).toMatchObject([
      { outcome: 'recorded', state: 'settled' },
    ]);
    expect(said(await two.take(), ids)).toEqual(['1 JobCancelled']);
    await one.answer('ack', first.slice(0, 1));
    await two.answer('ack', second);
    const last = await one.take();
    expect(said(last, ids)).toEqual(['0 JobCancelled', '2 JobCancelled', '3 JobCancelled']);
    expect(await control.get(name)).toMatchObject({ inFlight: 4, behind: 0, waiting: 0 });
    expect(await control.members(name)).toMatchObject([
      { member: 'one', inFlight: 3 },
      { member: 'two', inFlight: 1 },
    ]);
  });

  it('has settled all up to its position, and nothing behind it', async () => {
    const { name, one } = await group({ order: 'none' });
    const before = (await control.get(name)).position;
    await makeJobs(db, 3);
    const events = await one.take();
    expect(events).toHaveLength(6);
    await one.answer('ack', [...events.slice(0, 2), ...events.slice(4)]);
    expect((await control.get(name)).position).toBe((events[2]?.event.position ?? 0n) - 1n);
    expect(await one.take()).toEqual([]);
    await one.answer('ack', events.slice(2));
    const { position, head } = await control.get(name);
    expect([before < position, position]).toEqual([true, head]);
    expect(await one.take()).toEqual([]);
    const { rows } = await db.database.pool.query(
      `select * from ${db.schema}.subscription_deliveries d join ${db.schema}.subscriptions s
       on s.id = d.subscription_id where s.name = $1`,
      [name],
    );
    expect(rows).toEqual([]);
  });

  it('hands out again what was not answered in time, and then parks it', async () => {
    const { name, one, two } = await group({ maxAttempts: 2 });
    const ids = await makeJobs(db, 1);
    const [lost] = await one.take();
    await lapseDeliveries(db);
    const again = await two.take();
    expect(again).toMatchObject([{ attempt: 2, event: { position: lost?.event.position } }]);
    expect(await one.answer('ack', lost === undefined ? [] : [lost])).toMatchObject([
      { outcome: 'delivery-lost' },
    ]);
    await lapseDeliveries(db);
    expect(await one.take()).toEqual([]);
    expect(await two.answer('ack', again)).toMatchObject([{ outcome: 'delivery-lost' }]);
    expect(await control.parked(name, 0n, 10)).toMatchObject([
      {
        streamId: ids[0],
        type: 'JobSubmitted',
        state: 'parked',
        attempts: 2,
        reason: 'not answered in time by two',
      },
      { streamId: ids[0], type: 'JobCancelled', state: 'behind', attempts: 0 },
    ]);
  });

  it('takes a late answer as long as nobody else has the event', async () => {
    const { one } = await group();
    await makeJobs(db, 1);
    const late = await one.take();
    await lapseDeliveries(db);
    expect(await one.answer('ack', late)).toMatchObject([{ outcome: 'recorded' }]);
    expect(await one.answer('ack', late)).toMatchObject([{ outcome: 'already-recorded' }]);
    await one.take();
    expect(await one.answer('ack', late)).toMatchObject([{ outcome: 'delivery-lost' }]);
  });

  it('hands out again after a pause, and parks what was tried often enough', async () => {
    const { name, one } = await group({ maxAttempts: 2 });
    const ids = await makeJobs(db, 2);
    const [first, other] = await one.take();
    const retried = await one.answer('retry', first === undefined ? [] : [first], {
      delayMs: 3_600_000,
    });
    expect(retried).toMatchObject([{ outcome: 'recorded', state: 'waiting' }]);
    const look = await one.look();
    expect(look.deliveries).toEqual([]);
    await one.answer('ack', other === undefined ? [] : [other]);
    expect(said(await one.take(), ids)).toEqual(['1 JobCancelled']);
    await endPauses(db);
    const again = await one.take();
    expect(again).toMatchObject([{ attempt: 2 }]);
    expect(said(again, ids)).toEqual(['0 JobSubmitted']);
    expect(await one.answer('retry', again, { reason: 'no' })).toMatchObject([
      { outcome: 'recorded', state: 'parked' },
    ]);
    expect(await control.get(name)).toMatchObject({ parked: 1, behind: 1 });
  });

  it('pauses longer with each attempt, where no pause is named', async () => {
    const { name, one } = await group();
    await makeJobs(db, 1);
    // From the answer on, and not from the look, which comes later.
    const pauses = async () => {
      const { rows } = await db.database.pool.query<{ ms: number }>(
        `select 1000 * extract(epoch from d.due_at - d.changed_at)::float8 as ms
         from ${db.schema}.subscription_deliveries d
         join ${db.schema}.subscriptions s on s.id = d.subscription_id
         where s.name = $1 and d.state = 'waiting'`,
        [name],
      );
      return rows.map(({ ms }) => ms);
    };
    for (const pause of [1_000, 2_000, 4_000]) {
      await one.answer('retry', await one.take());
      expect(await pauses()).toEqual([pause]);
      expect((await one.look()).nextDueMs).toBeLessThanOrEqual(pause);
      await endPauses(db);
    }
  });

  it('replays what is parked in order, with its position where it belongs', async () => {
    const { name, one } = await group();
    const ids = await makeJobs(db, 2);
    const [first, other] = await one.take();
    await one.answer('park', first === undefined ? [] : [first], { reason: 'cannot be' });
    await one.answer('ack', other === undefined ? [] : [other]);
    await one.answer('ack', await one.take());
    const parked = await control.get(name);
    expect(parked).toMatchObject({ parked: 1, behind: 1, lagEvents: 0n, moving: true });
    expect(parked.position).toBe((first?.event.position ?? 0n) - 1n);
    expect(await control.parked(name, 0n, 1)).toMatchObject([{ reason: 'cannot be' }]);
    expect(await control.parked(name, first?.event.position ?? 0n, 9)).toMatchObject([
      { state: 'behind' },
    ]);

    expect(await control.replayParked(name, ids[1])).toBe(0);
    expect(await control.replayParked(name, ids[0])).toBe(1);
    const again = await one.take();
    expect(again).toMatchObject([{ attempt: 1 }]);
    expect(said(again, ids)).toEqual(['0 JobSubmitted']);
    await one.answer('ack', again);
    const last = await one.take();
    expect(said(last, ids)).toEqual(['0 JobCancelled']);
    expect((await control.get(name)).position).toBe((last[0]?.event.position ?? 0n) - 1n);
    await one.answer('ack', last);
    const { position, head } = await control.get(name);
    expect(position).toBe(head);
  });

  it('gives up what is skipped, and goes on behind it', async () => {
    const { name, one } = await group();
    const ids = await makeJobs(db, 2);
    const [first, other] = await one.take();
    await one.answer('skip', other === undefined ? [] : [other]);
    await one.answer('park', first === undefined ? [] : [first]);
    expect(said(await one.take(), ids)).toEqual(['1 JobCancelled']);
    expect(await control.skipParked(name)).toBe(1);
    expect(said(await one.take(), ids)).toEqual(['0 JobCancelled']);
    expect(await control.get(name)).toMatchObject({ parked: 0, inFlight: 2 });
  });

  it('never has more in flight than it may', async () => {
    const { name, one, two } = await group({ maxInFlight: 3, order: 'none' });
    await makeJobs(db, 5);
    const held = await one.take(2);
    expect(await two.take()).toHaveLength(1);
    expect(await two.take()).toEqual([]);
    await one.answer('ack', held);
    expect(await two.take()).toHaveLength(2);
    expect(await control.get(name)).toMatchObject({ inFlight: 3 });
  });

  it('hands nobody else what a member gives back unseen, and counts no attempt', async () => {
    const { one } = await group();
    await makeJobs(db, 1);
    await one.answer('return', await one.take());
    expect(await one.take()).toMatchObject([{ attempt: 1 }]);
  });
});
