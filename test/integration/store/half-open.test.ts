import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { type Daybook, defineJob, openDaybook } from '../../../src/daybook.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

const echo = defineJob({ type: 'echo', payload: z.unknown(), handler: (payload) => payload });

let db: TestDatabase;
let proxy: TcpProxy;
let daybook: Daybook;

beforeEach(async () => {
  db = await createTestDatabase();
  const address = new URL(db.connectionString);
  const target = Number(address.port);
  proxy = await startTcpProxy(() => target);
  address.port = String(proxy.port);
  daybook = await openDaybook({
    connectionString: String(address),
    statementTimeoutMs: 1_000,
    jobs: [echo],
  });
});

afterEach(async () => {
  await daybook.close();
  await proxy.close();
  await db.drop();
});

/** From now on nothing comes through on the connections there are, and nobody is told. */
function forgetConnections(): void {
  proxy.silence();
  proxy.heal();
}

it('a connection that has gone silent is left for another one', async () => {
  await daybook.submit({ type: 'echo' });
  forgetConnections();
  await expect(daybook.submit({ type: 'echo' })).rejects.toMatchObject({
    code: 'database-unavailable',
    message: 'The database did not answer in time.',
  });
  // With the one that was found out, all others that led the same way are left.
  for (let n = 0; n < 20; n += 1) await daybook.submit({ type: 'echo' });
});

it('so is one with an open transaction', async () => {
  const silent = daybook.context.database.transaction(async (_tx, client) => {
    await client.query('select 1');
    forgetConnections();
  });
  await expect(silent).rejects.toMatchObject({ code: 'database-unavailable' });
  await daybook.submit({ type: 'echo', uniqueKey: 'u' });
});

it('a worker goes on, in a process that goes on', async () => {
  await daybook.worker({ pollMs: 50, leaseMs: 3_000 }).start();
  const before = await daybook.submit({ type: 'echo', payload: 'before' });
  expect((await daybook.waitFor(before.id)).result).toBe('before');
  forgetConnections();
  // By another way: only the worker is cut off.
  const other = await openDaybook({ connectionString: db.connectionString });
  try {
    const after = await other.submit({ type: 'echo', payload: 'after' });
    expect((await other.waitFor(after.id)).result).toBe('after');
  } finally {
    await other.close();
  }
});
