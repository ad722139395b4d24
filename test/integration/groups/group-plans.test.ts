import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { receiveOnce } from '../../../src/consumers/groups/receive.ts';
import { settle } from '../../../src/consumers/groups/settle.ts';
import { findSubscription } from '../../../src/consumers/statements/find-subscription.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { blocksFetched } from '../../support/big-tables.ts';
import { stopPostgres15, versionsUnderTest } from '../../support/postgres-servers.ts';
import { createTestDatabase } from '../../support/test-database.ts';
import { controlOf } from './group-steps.ts';

/** Events that are kept, and as many of another subscription. */
const KEPT = 9_000;
const LIMIT = 50;

const relations = `
  select oid from pg_class where relname like 'subscription_deliveries%' or relname = 'events_0'`;
const statistics = {
  'of tables never analyzed': 'update pg_class set reltuples = -1, relpages = 0',
  'of empty tables': 'update pg_class set reltuples = 0, relpages = 0',
  'of tables with nothing but dead rows': `update pg_class set reltuples = 0,
     relpages = greatest(1, pg_relation_size(oid) / 8192)`,
  'of tables with a million rows': 'update pg_class set reltuples = 1000000, relpages = 1',
};

/**
 * What may be asked for, in blocks: once what is kept is counted, and for each event that is looked at
 * (there are up to 4 * LIMIT + 100 of them) the way down two indexes, and for each that is handed out
 * the way to write it.
 */
const MAY_FETCH = KEPT + (4 * LIMIT + 100) * 20 + LIMIT * 60;

describe.each(versionsUnderTest())('on Postgres %s, with statistics', (postgres) => {
  let db: Awaited<ReturnType<typeof createTestDatabase>>;
  beforeAll(async () => {
    db = await createTestDatabase({ postgres });
    const client = await db.connect();
    await client.query(`
      insert into queues (tenant_id, name, stream_id, version, created_at)
        values (1, 'q', gen_random_uuid(), 1, now());
      insert into events (position, occurred_at, stream_id, version, queue_id, epoch, type,
          schema_version)
        select n, now(), md5((n / 2)::text)::uuid, 1 + n % 2, 1, 1, 1, 1
        from generate_series(1, 40000) n;
      update log_head set position = 40000`);
    for (const name of ['mine', 'other']) await controlOf(db).put(name, { startFrom: '20000' });
    await client.query(`
      insert into subscription_deliveries
          (subscription_id, position, stream_id, state, changed_at)
        select s.id, n, gen_random_uuid(), 'behind', now()
        from subscriptions s, generate_series(1, ${KEPT}) n;
      update subscriptions set position = 0`);
  });
  afterAll(() => db.drop());

  it.each(Object.entries(statistics))(
    '%s, a look and an answer read little',
    async (_, pretend) => {
      const client = await db.connect();
      await client.query(`delete from pg_statistic where starelid in (${relations})`);
      await client.query(`${pretend} where oid in (${relations})`);
      const database = { ...db.database, ...db.database.on(client) };
      await client.query('begin');
      const parts = { database, clock: systemClock, random: Math.random };
      const find = async () => {
        const [found] = await database.run(findSubscription, { tenantId: 1, name: 'mine' });
        if (found === undefined) throw new Error('The subscription is not there.');
        return found;
      };
      const order = { tenantId: 1, member: 'm', limit: LIMIT, maxKept: 10_000, find };
      const fetched: number[] = [await blocksFetched(client)];
      const { deliveries } = await receiveOnce(parts, order);
      fetched.push(await blocksFetched(client));
      const acks = deliveries.map(({ delivery }) => ({ delivery, action: 'ack' as const }));
      const outcomes = await settle(database, 1, 'mine', acks);
      fetched.push(await blocksFetched(client));
      await receiveOnce(parts, order);
      fetched.push(await blocksFetched(client));
      await client.query('rollback');
      expect([deliveries.length, outcomes.length]).toEqual([LIMIT, LIMIT]);
      const [before = 0, received = 0, settled = 0, again = 0] = fetched;
      expect(received - before).toBeLessThan(MAY_FETCH);
      expect(settled - received).toBeLessThan(LIMIT * 60);
      expect(again - settled).toBeLessThan(MAY_FETCH);
    },
  );
});

afterAll(() => stopPostgres15());
