import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { createWakeUp } from '../../../src/store/wake-up.ts';
import { readHead } from '../../../src/store/statements/read-head.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { submitOne } from '../../support/job-steps.ts';
import {
  createTestDatabase,
  newId,
  type TestDatabase,
  type TestProcess,
} from '../../support/test-database.ts';

let db: TestDatabase;
beforeEach(async () => {
  db = await createTestDatabase();
});
afterEach(() => db.drop());

const CHANNEL = 'daybook_daybook';

/** How many connections of the database listen. */
const listeners = async () => {
  const { rows } = await db.database.pool.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where datname = current_database() and application_name = 'daybook wake-up' order by 1`,
  );
  return rows.map(({ pid }) => pid);
};
/** Until both processes listen, and have told what they may have missed before. */
async function untilBothListen(one: TestProcess, other: TestProcess): Promise<void> {
  const heard = new Set<TestProcess>();
  const leave = [one, other].map((each) => each.wakeUp.on('epoch', () => heard.add(each)));
  const isHeardBy = (hearer: TestProcess, teller: TestProcess) => {
    heard.clear();
    // A process that is not connected yet sends nothing.
    return expectSoon(() => (teller.wakeUp.hint('epoch'), heard.has(hearer))).toBe(true);
  };
  await isHeardBy(one, other);
  await isHeardBy(other, one);
  for (const stop of leave) stop();
}

/** Everything that is said on the channel, by anybody. */
async function eavesdrop(): Promise<string[]> {
  const heard: string[] = [];
  const client = await db.connect();
  client.on('notification', ({ payload }) => heard.push(payload ?? ''));
  await client.query(`listen ${CHANNEL}`);
  return heard;
}

/** Connections that this process has, whatever state they are in. */
const sockets = () =>
  process.getActiveResourcesInfo().filter((each) => each === 'TCPSocketWrap').length;
const withoutPassword = () => {
  const { hostname: host, port, pathname, username: user } = new URL(db.directConnectionString);
  return { host, port: Number(port), user, database: pathname.slice(1), password: '' };
};

describe('a hint', () => {
  it('wakes listeners here, and those of other processes, each for its topic', async () => {
    const other = await db.anotherProcess();
    await untilBothListen(db, other);
    const woken: string[] = [];
    db.wakeUp.on('queue:1', () => woken.push('here'));
    other.wakeUp.on('queue:1', () => woken.push('there'));
    other.wakeUp.on('queue:2', () => woken.push('another topic'));
    db.wakeUp.hint('queue:1');
    expect(woken).toEqual(['here']);
    await expectSoon(() => woken).toEqual(['here', 'there']);
  });

  it('is not heard twice by the process that gave it, and not after the listener left', async () => {
    const other = await db.anotherProcess();
    await untilBothListen(db, other);
    const woken = { here: 0, left: 0, there: 0 };
    const leave = db.wakeUp.on('cancel', () => (woken.left += 1));
    leave();
    db.wakeUp.on('cancel', () => (woken.here += 1));
    other.wakeUp.on('cancel', () => (woken.there += 1));
    db.wakeUp.hint('cancel');
    await expectSoon(() => woken.there).toBe(1);
    expect(woken).toEqual({ here: 1, left: 0, there: 1 });
  });

  it('given a thousand times is sent once, with all topics of the moment', async () => {
    const heard = await eavesdrop();
    await expectSoon(() => (db.wakeUp.hint('log'), heard.length)).toBeGreaterThan(0);
    db.wakeUp.hint('cancel');
    await expectSoon(() => heard.at(-1)).toMatch(/ cancel$/);
    heard.length = 0;
    for (let hint = 0; hint < 1_000; hint += 1) {
      db.wakeUp.hint('inbox');
      db.wakeUp.hint(`queue:${hint % 3}`);
    }
    await expectSoon(() => heard).toHaveLength(1);
    expect(heard[0]?.split(' ').slice(1)).toEqual(['inbox', 'queue:0', 'queue:1', 'queue:2']);
    // A last hint closes the list: whatever else was to be sent came before it.
    db.wakeUp.hint('cancel');
    await expectSoon(() => heard.at(-1)).toMatch(/ cancel$/);
    expect(heard).toHaveLength(2);
  });

  it('is never sent in the transaction of the caller', async () => {
    const heard = await eavesdrop();
    const client = await db.connectCaller();
    await client.query('begin');
    await submitJobs(db.context, [{ type: 'x' }], { client });
    await client.query('commit');
    // Postgres delivers in the order of commits: what the transaction sent is heard before this.
    await client.query("select pg_notify($1, 'after')", [CHANNEL]);
    await expectSoon(() => heard).toContain('after');
    expect(heard.filter((each) => each.includes('inbox'))).toEqual([]);
  });
});

describe('the listening connection', () => {
  it('heals when it is killed, and then tells what may have been missed', async () => {
    let woken = 0;
    db.wakeUp.on('log', () => (woken += 1));
    await expectSoon(listeners).toHaveLength(1);
    const before = await listeners();
    await db.database.pool.query('select pg_terminate_backend(unnest($1::int[]))', [before]);
    await expectSoon(listeners).not.toEqual(before);
    await expectSoon(listeners).toHaveLength(1);
    expect(db.warnings.map(({ message }) => message)).toContain(
      'the wake-up connection was lost; polling goes on',
    );
    await expectSoon(() => woken).toBeGreaterThan(0);
    const other = await db.anotherProcess();
    woken = 0;
    await expectSoon(() => (other.wakeUp.hint('log'), woken)).toBeGreaterThan(0);
  });

  it.each([
    [
      'LISTEN fails',
      () => ({ connection: { connectionString: db.directConnectionString }, channel: '' }),
    ],
    ['the password is missing', () => ({ connection: withoutPassword(), channel: CHANNEL })],
  ])('that cannot be had, because %s, leaves no connection behind', async (_, wrong) => {
    await expectSoon(listeners).toHaveLength(1);
    const before = sockets();
    const failures: unknown[] = [];
    const failing = createWakeUp({
      ...wrong(),
      processId: newId(),
      observer: { ...silentObserver, warn: (message) => failures.push(message) },
      clock: systemClock,
      random: () => 0,
    });
    await failing.start();
    await expectSoon(() => failures.length).toBeGreaterThan(3);
    await failing.stop();
    await expectSoon(listeners).toHaveLength(1);
    await expectSoon(sockets).toBeLessThanOrEqual(before);
  });

  it('is not needed: the sequencer polls', async () => {
    const deaf = createWakeUp({
      connection: { host: '127.0.0.1', port: 1 },
      channel: CHANNEL,
      processId: newId(),
      observer: db.context.observer,
      clock: systemClock,
      random: Math.random,
    });
    await deaf.start();
    await db.startSequencer();
    await db.wakeUp.stop();
    await submitOne({ ...db, context: { ...db.context, wakeUp: deaf } });
    const position = async () => (await db.database.run(readHead, {}))[0]?.position;
    await expectSoon(position).toBe(2n);
    await deaf.stop();
    expect(db.warnings.map(({ message }) => message)).toContain(
      'no wake-up connection; polling goes on',
    );
  });
});
