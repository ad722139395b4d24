import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { WatchedPool } from '../../../src/store/pool/watched-pool.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
let proxy: TcpProxy;
let pool: WatchedPool;

beforeEach(async () => {
  db = await createTestDatabase();
  const address = new URL(db.connectionString);
  const target = Number(address.port);
  proxy = await startTcpProxy(() => target);
  address.port = String(proxy.port);
  pool = new WatchedPool({ connectionString: String(address), max: 8 }, 5_000, systemClock);
  pool.on('error', () => undefined);
});

afterEach(async () => {
  proxy.cut('closed');
  await pool.end();
  await proxy.close();
  await db.drop();
});

it('opens two connections at a time, however many are wanted', async () => {
  proxy.hold();
  const answers = Array.from({ length: 20 }, () => pool.query('select 1'));
  await expectSoon(() => proxy.size).toBe(2);
  expect(pool.waitingMs()).toBeGreaterThan(0);
  proxy.heal();
  expect(await Promise.all(answers)).toHaveLength(20);
  expect(pool.waitingMs()).toBe(0);
});

it('opens more while those that it has are in use, up to its size', async () => {
  const taken = await Promise.all(Array.from({ length: 8 }, () => pool.connect()));
  expect([pool.totalCount, pool.idleCount]).toEqual([8, 0]);
  let isServed = false;
  const late = pool.connect().then((client) => {
    isServed = true;
    return client;
  });
  await expectSoon(() => pool.waitingMs()).toBeGreaterThan(20);
  expect(isServed).toBe(false);
  taken.pop()?.release();
  (await late).release();
  for (const client of taken) client.release();
});

it('lets everybody know when no connection can be opened', async () => {
  proxy.cut('closed');
  const answers = await Promise.allSettled(
    Array.from({ length: 20 }, () => pool.query('select 1')),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 'rejected'));
  expect(pool.waitingMs()).toBe(0);
});

it('leaves connections that nobody uses', async () => {
  const [used, unused] = await Promise.all([pool.connect(), pool.connect()]);
  unused?.release();
  pool.leaveIdle();
  await expectSoon(() => pool.totalCount).toBe(1);
  expect((await used?.query('select 1 as one'))?.rows).toEqual([{ one: 1 }]);
  used?.release();
});
