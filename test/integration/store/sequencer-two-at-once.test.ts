import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createDuty } from '../../../src/store/duty.ts';
import { prepareLog } from '../../../src/store/epoch/prepare-log.ts';
import { readHead } from '../../../src/store/statements/read-head.ts';
import { sequenceInbox } from '../../../src/store/statements/sequence-inbox.ts';
import { takeDuty } from '../../../src/store/statements/take-duty.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { submitMany, submitOne } from '../../support/job-steps.ts';
import { expectOrder, sequenceAll, sequenceOnce, wholeLog } from '../../support/log-steps.ts';
import { untilWaiting } from '../../support/postgres-activity.ts';
import { createTestDatabase, newId, type TestDatabase } from '../../support/test-database.ts';

const SPAN = 2 ** 16;

let db: TestDatabase;
beforeEach(async () => {
  db = await createTestDatabase({ partitionSpan: SPAN });
});
afterEach(() => db.drop());

const head = async () => {
  const [row] = await db.database.run(readHead, {});
  if (row === undefined) throw new Error('There is no head.');
  return row;
};

describe('two sequencers at once', () => {
  const batch = (tick: bigint) => ({ tick, limit: 5_000, channel: 'nobody' });

  it('move everything once: the second one, with the same tick, moves nothing', async () => {
    await submitMany(db, 100);
    const { tick } = await head();
    const [first, second] = [await db.connect(), await db.connect()];
    await first.query('begin');
    const [moved] = await db.database.on(first).run(sequenceInbox, batch(tick));
    expect(moved).toMatchObject({ moved: 101, advanced: true });
    const waiting = db.database.on(second).run(sequenceInbox, batch(tick));
    await untilWaiting(db, 'daybook:sequence-inbox');
    await first.query('commit');
    expect(await waiting).toMatchObject([{ moved: 0, advanced: false }]);
    expectOrder(await wholeLog(db.database));
    expect((await head()).position).toBe(101n);
  });

  it('are rid of a batch that was rolled back', async () => {
    await submitMany(db, 3);
    const { tick } = await head();
    const client = await db.connect();
    await client.query('begin');
    await db.database.on(client).run(sequenceInbox, batch(tick));
    const waiting = db.database.run(sequenceInbox, batch(tick));
    await untilWaiting(db, 'daybook:sequence-inbox');
    await client.query('rollback');
    expect(await waiting).toMatchObject([{ moved: 4, advanced: true }]);
    expectOrder(await wholeLog(db.database));
  });

  it('move nothing with a tick that is past', async () => {
    const { tick } = await head();
    await submitOne(db);
    await sequenceAll(db.database);
    await submitOne(db);
    const [late] = await db.database.run(sequenceInbox, batch(tick));
    expect(late).toMatchObject({ moved: 0, advanced: false, tick: tick + 1n });
    expect(await sequenceOnce(db.database)).toBe(1);
  });
});

describe('the state of the sequencer', () => {
  it('is made anew with a full pass where the head is lost', async () => {
    await submitMany(db, 5);
    await sequenceAll(db.database);
    const before = await head();
    await submitMany(db, 5);
    await db.database.pool.query(`delete from ${db.schema}.log_head`);
    await prepareLog(db.database, SPAN);
    await sequenceAll(db.database);
    const events = await wholeLog(db.database);
    expect(events).toHaveLength(11);
    expectOrder(events);
    expect(await head()).toMatchObject({ position: 11n, epoch: before.epoch });
  });

  it('begins with a full pass, with all that is still open kept as missing', async () => {
    const client = await db.connect();
    await client.query('begin');
    await submitOne(db);
    await db.database.on(client).run(
      {
        name: 'draw a number',
        sql: (schema) =>
          `insert into ${schema}.event_inbox (occurred_at, stream_id, version, queue_id, type)
           values (now(), gen_random_uuid(), 1, 1, 1)`,
        values: () => [],
      },
      {},
    );
    await submitOne(db);
    expect(await sequenceOnce(db.database)).toBe(3);
    await client.query('commit');
    expect(await sequenceOnce(db.database)).toBe(1);
    expectOrder(await wholeLog(db.database));
  });

  it('is the same after many processes have prepared the log at once', async () => {
    await db.database.pool.query(
      `delete from ${db.schema}.log_head; delete from ${db.schema}.log_epochs;
       drop table ${db.schema}.events_0; drop table ${db.schema}.events_1`,
    );
    await Promise.all(Array.from({ length: 8 }, () => prepareLog(db.database, SPAN)));
    expect(await head()).toMatchObject({ epoch: 1, position: 0n, partitions_until: 131_072n });
  });
});

describe('the duty', () => {
  it('of a holder that stopped is taken over after its lease, and not before', async () => {
    const duty = { duty: 'sequencer', leaseMs: 60_000 };
    const [stopped, other] = [newId(), newId()];
    expect(await db.database.run(takeDuty, { ...duty, holder: stopped })).toHaveLength(1);
    expect(await db.database.run(takeDuty, { ...duty, holder: other })).toHaveLength(0);
    await db.database.pool.query(
      `update ${db.schema}.duties set held_until = now() - interval '1 ms'`,
    );
    expect(await db.database.run(takeDuty, { ...duty, holder: other })).toHaveLength(1);
    expect(await db.database.run(takeDuty, { ...duty, holder: stopped })).toHaveLength(0);
  });

  it('is kept by its holder, who asks again before the lease is over', async () => {
    const duty = { duty: 'sequencer', leaseMs: 60_000, holder: newId() };
    const [first] = await db.database.run(takeDuty, duty);
    const [again] = await db.database.run(takeDuty, { ...duty, leaseMs: 120_000 });
    expect(again?.held_until).toBeGreaterThan((first?.held_until ?? 0) + 30_000);
  });

  it('is held by one of many that ask at once, and free as soon as it is left', async () => {
    const duties = Array.from({ length: 8 }, () =>
      createDuty(db.database, 'sequencer', newId(), 60_000, systemClock),
    );
    const held = await Promise.all(duties.map((duty) => duty.held()));
    expect(held.filter(Boolean)).toHaveLength(1);
    await duties[held.indexOf(true)]?.leave();
    const next = createDuty(db.database, 'sequencer', newId(), 60_000, systemClock);
    expect(await next.held()).toBe(true);
  });

  it('passes to the next sequencer, which goes on where the first one ended', async () => {
    const first = await db.startSequencer();
    await submitMany(db, 10);
    await expectSoon(async () => (await head()).position).toBe(11n);
    const other = await db.anotherProcess();
    await other.startSequencer();
    await first.stop();
    await submitMany(db, 10);
    await expectSoon(async () => (await head()).position).toBe(21n);
    expectOrder(await wholeLog(db.database));
  });
});
