import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { type Daybook, openDaybook } from '../../../src/daybook.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());
beforeEach(() => {
  pool = new pg.Pool({ connectionString: db.connectionString, max: 3 });
});
/** Clients that a test took; given back whatever became of it, or the pool would never end. */
const taken: pg.PoolClient[] = [];
const giveBack = () => {
  for (const client of taken.splice(0)) client.release(true);
};
afterEach(async () => {
  giveBack();
  await pool.end();
});

/** Five seconds are over after half a second, which is enough for a connection on a busy machine. */
const hasty = {
  ...systemClock,
  after: (ms: number, callback: () => void) => systemClock.after(ms / 10, callback),
};
const open = (clock = hasty): Promise<Daybook> => openDaybook({ pool, maintain: false, clock });
const begin = async () => {
  const client = await pool.connect();
  taken.push(client);
  await client.query('begin');
  return client;
};

describe('transactions that hold every connection of the caller’s pool', () => {
  it('do not wait for each other for ever when they name new queues', async () => {
    const daybook = await open();
    const clients = await Promise.all([begin(), begin(), begin()]);
    const outcomes = await Promise.allSettled(
      clients.map(async (client, index) => {
        await daybook.submit({ type: 'x', queue: `new-${index}` }, { client });
      }),
    );
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: { code: 'pool-exhausted' } });
    }
    giveBack();
    const client = await begin();
    // Another one that is there already: to open one may take longer than half a second.
    await pool.query('select 1');
    await daybook.submit({ type: 'x', queue: 'new-0' }, { client });
    await client.query('commit');
    await daybook.close();
  });

  it('need no other for queues and types that were there when Daybook was opened', async () => {
    const first = await open(systemClock);
    await first.submit({ type: 'known', queue: 'known' });
    await first.close();
    const daybook = await open(systemClock);
    const clients = await Promise.all([begin(), begin(), begin()]);
    for (const client of clients) {
      const { id } = await daybook.submit({ type: 'known', queue: 'known' }, { client });
      const { state } = await daybook.cancel(id, { client });
      expect(state.status).toBe('cancelled');
      await client.query('commit');
    }
    await daybook.close();
  });

  it('hear of a lost lease all the same', async () => {
    const daybook = await open();
    const { id } = await daybook.submit({ type: 'known', queue: 'known' });
    const clients = await Promise.all([begin(), begin(), begin()]);
    const lost = completeJobs(daybook.context, [{ id, leaseToken: daybook.context.newId() }], {
      client: clients[0],
    });
    await expect(lost).rejects.toMatchObject({ code: 'lease-lost' });
    giveBack();
    await daybook.close();
  });
});
