import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { subscribe } from '../../../src/consumers/tail/subscription.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { submitMany } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';
import {
  caughtUp,
  numbers,
  openTail,
  positionsOf,
  takeUntil,
  type TestTail,
} from './subscribing.ts';

let db: TestDatabase;
let tail: TestTail;
let head = 0;

/** Writes jobs and gives their events positions. */
async function write(count: number, queue = 'default'): Promise<void> {
  await submitMany(db, count, { queue });
  await sequenceAll(db.database);
  db.wakeUp.hintHere('log');
  const { rows } = await db.database.pool.query(`select position from ${db.schema}.log_head`);
  head = Number((rows[0] as { position: string }).position);
}

beforeAll(async () => {
  db = await createTestDatabase();
  await write(30);
});
beforeEach(() => {
  tail = openTail(db);
});
afterEach(() => tail.stop());
afterAll(() => db.drop());

describe('a subscription', () => {
  it('reads what there is, says when it is caught up, and goes on with what comes', async () => {
    const subscription = await subscribe(tail, { start: 'start' });
    const before = head;
    expect(positionsOf(await takeUntil(subscription, caughtUp))).toEqual(numbers(1, before));
    await write(5);
    const next = await takeUntil(subscription, (batches) => positionsOf(batches).length === 5);
    expect(positionsOf(next)).toEqual(numbers(before + 1, head));
    expect(subscription.token).toBe(`v1.1.${head}`);
  });

  it('begins at the end, where nothing else is said', async () => {
    const before = head;
    const subscription = await subscribe(tail, { start: 'end' });
    await write(3);
    const batches = await takeUntil(subscription, (all) => positionsOf(all).length === 3);
    expect(positionsOf(batches)).toEqual(numbers(before + 1, head));
  });

  it('goes on after the token of any event', async () => {
    const first = await subscribe(tail, { start: 'start' });
    const [batch] = await takeUntil(first, caughtUp);
    const token = batch?.events[9]?.token ?? '';
    const second = await subscribe(tail, { start: token });
    expect(positionsOf(await takeUntil(second, caughtUp))).toEqual(numbers(11, head));
  });

  it('is caught up after each falling behind, and loses and repeats nothing', async () => {
    const small = openTail(db, { ring: { maxEvents: 10, maxBytes: 1_000_000 } });
    const before = head;
    const slow = await subscribe(small, { start: 'end' });
    const quick = await subscribe(small, { start: 'end' });
    const seen = [...(await takeUntil(slow, caughtUp))];
    await takeUntil(quick, caughtUp);
    for (let round = 0; round < 4; round += 1) {
      const goal = 20 * (round + 1);
      await write(20);
      // Whoever keeps up gets everything, whatever the slow one does.
      const kept = await takeUntil(quick, (all) => positionsOf(all).length >= 20);
      expect(positionsOf(kept)).toEqual(numbers(before + goal - 19, before + goal));
    }
    const late = await takeUntil(slow, caughtUp);
    expect(positionsOf([...seen, ...late])).toEqual(numbers(before + 1, head));
    expect(late[0]?.fellBehind).toBe(true);
    expect(late.filter((batch) => batch.fellBehind)).toHaveLength(1);
    expect(small.following?.ring.size).toBeLessThanOrEqual(10);
    expect(small.counted.behind).toBeGreaterThanOrEqual(1);
    await small.stop();
  });

  it('moves on under a filter that lets nothing through', async () => {
    const filter = { queues: ['nothing-here'] };
    const subscription = await subscribe(tail, { start: 'start', filter, heartbeatMs: 20 });
    await takeUntil(subscription, caughtUp);
    await write(4);
    const batches = await takeUntil(
      subscription,
      (all) => all.at(-1)?.token === `v1.1.${head}` || all.length > 5_000,
    );
    expect(positionsOf(batches)).toEqual([]);
    expect(batches.at(-1)?.token).toBe(`v1.1.${head}`);
  });

  it('gets of the ring and of the log the same under a filter', async () => {
    const filter = { queues: ['other'], eventTypes: ['JobSubmitted' as const] };
    const live = await subscribe(tail, { start: 'end', filter });
    await takeUntil(live, caughtUp);
    const before = head;
    await write(3);
    await write(3, 'other');
    await write(3);
    const fromRing = await takeUntil(live, (all) => positionsOf(all).length === 3);
    const again = await subscribe(tail, { start: BigInt(before), filter });
    const fromLog = await takeUntil(again, caughtUp);
    expect(positionsOf(fromRing)).toHaveLength(3);
    expect(positionsOf(fromLog)).toEqual(positionsOf(fromRing));
  });

  it('ends when its signal aborts, and when the tail is stopped', async () => {
    const asked = new AbortController();
    const aborted = await subscribe(tail, { start: 'end', signal: asked.signal });
    const stopped = await subscribe(tail, { start: 'end' });
    for (const each of [aborted, stopped]) await takeUntil(each, caughtUp);
    const waiting = [aborted.next(), stopped.next()];
    asked.abort();
    expect(await waiting[0]).toBeUndefined();
    expect(tail.subscribers).toBe(1);
    await tail.stop();
    expect(await waiting[1]).toBeUndefined();
  });

  it.each([
    ['v1.9.3', 'token-expired'],
    ['v1.1.100000', 'position-ahead'],
    [100_000n, 'position-ahead'],
    [-1n, 'invalid-request'],
    ['tomorrow', 'invalid-request'],
  ])('does not begin at %s', async (start, code) => {
    await expect(subscribe(tail, { start })).rejects.toMatchObject({ code });
    expect(tail.subscribers).toBe(0);
  });
});

describe('those who are behind', () => {
  it('share what is read of the log, and the events in it', async () => {
    await write(1_500);
    let readings = 0;
    const { database } = db;
    const counting: typeof database = {
      ...database,
      run: (statement, params) => {
        if (statement.name === 'read-log-page') readings += 1;
        return database.run(statement, params);
      },
    };
    const own = openTail(db, { database: counting });
    const all = await Promise.all(numbers(1, 20).map(() => subscribe(own, { start: 'start' })));
    const opened = readings;
    const read = await Promise.all(all.map((each) => takeUntil(each, caughtUp)));
    // Three pages or four, each once or twice, and those of the tail itself.
    expect(readings - opened).toBeLessThan(20);
    const events = read.map((batches) => batches.flatMap((batch) => batch.events));
    for (const each of events) {
      expect(each.map(({ position }) => Number(position))).toEqual(numbers(1, head));
    }
    const [first, second] = events;
    expect(first?.[700]).toBe(second?.[700]);
    await own.stop();
  });

  it('get the same under a filter as without one', async () => {
    const every = await subscribe(tail, { start: 'start' });
    const some = await subscribe(tail, { start: 'start', filter: { queues: ['default'] } });
    const positions = positionsOf(await takeUntil(every, caughtUp));
    const ofQueue = positionsOf(await takeUntil(some, caughtUp));
    expect(positions).toEqual(numbers(1, head));
    expect(ofQueue.every((position) => positions.includes(position))).toBe(true);
    expect(ofQueue.length).toBeGreaterThan(1_500);
  });
});

describe('the ring', () => {
  it('holds what somebody has yet to read, until he is stuck, and nearly nothing else', async () => {
    let shift = 0;
    const clock = { ...systemClock, elapsedMs: () => shift };
    const own = openTail(db, { clock });
    const before = head;
    const slow = await subscribe(own, { start: 'end' });
    const quick = await subscribe(own, { start: 'end' });
    await takeUntil(slow, caughtUp);
    await takeUntil(quick, caughtUp);
    const keepUp = async () => {
      const goal = head;
      await takeUntil(quick, (all) => positionsOf(all).at(-1) === goal);
    };
    await write(1_000);
    await keepUp();
    await write(1);
    await keepUp();
    expect(own.following?.ring.size).toBe(1_001);

    // Nobody waits any longer for who has asked for nothing.
    shift += 3_000;
    await write(1);
    await keepUp();
    await write(1);
    await keepUp();
    await expect.poll(() => own.following?.ring.size).toBeLessThan(210);
    const late = await takeUntil(slow, caughtUp);
    expect(positionsOf(late)).toEqual(numbers(before + 1, head));
    expect(late.filter((batch) => batch.fellBehind)).toHaveLength(1);
    await own.stop();
  });
});

describe('the tail', () => {
  it('reads nothing without subscribers', async () => {
    const subscription = await subscribe(tail, { start: 'end' });
    expect(tail.following).not.toBeNull();
    subscription.close();
    db.wakeUp.hintHere('log');
    await expect.poll(() => tail.following).toBeNull();
  });

  it('says to those who are connected that the log is of another epoch', async () => {
    const fresh = await createTestDatabase();
    await submitMany(fresh, 3);
    await sequenceAll(fresh.database);
    const own = openTail(fresh);
    const subscription = await subscribe(own, { start: 'start' });
    await takeUntil(subscription, caughtUp);
    const next = subscription.next();
    // What a restored dump and a failover look like to the sequencer.
    await fresh.database.pool.query(`
      insert into ${fresh.schema}.log_epochs (epoch, system_identifier, timeline, after_position, reason)
        values (2, 'another', 1, 4, 'test');
      update ${fresh.schema}.log_head set epoch = 2, tick = tick + 1`);
    fresh.wakeUp.hintHere('log');
    await expect(next).rejects.toMatchObject({
      code: 'token-expired',
      facts: { reason: 'epoch', epoch: 2 },
    });
    await own.stop();
    await fresh.drop();
  });

  it('goes on when the database was away for a while', async () => {
    const before = head;
    const subscription = await subscribe(tail, { start: 'end' });
    await takeUntil(subscription, caughtUp);
    await db.database.pool.query(
      `select pg_terminate_backend(pid, 60000) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await write(2);
    const batches = await takeUntil(subscription, (all) => positionsOf(all).length === 2);
    expect(positionsOf(batches)).toEqual(numbers(before + 1, head));
  });
});
