import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  blocksFetched,
  type Fill,
  fillTables,
  hotRelations,
  statistics,
} from '../../support/big-tables.ts';
import { HELD, hotStatements } from '../../support/hot-statements.ts';
import { lapse } from '../../support/job-steps.ts';
import {
  type PostgresVersion,
  stopPostgres15,
  versionsUnderTest,
} from '../../support/postgres-servers.ts';
import { sequentialScans } from '../../support/query-plans.ts';
import { createTestDatabase } from '../../support/test-database.ts';

async function filled(postgres: PostgresVersion, fill: Fill) {
  const db = await createTestDatabase({ postgres });
  const [session, lapsed] = [await db.openSession(), await db.openSession()];
  await fillTables(db, fill, [session, lapsed]);
  await lapse(db, lapsed);
  const client = await db.connect();
  return { db, client, statements: await hotStatements(client, session) };
}

type Filled = Awaited<ReturnType<typeof filled>>;

/** For each statement: which of the hot tables its plan reads from front to end. */
async function scans({ db, client, statements }: Filled): Promise<string[]> {
  const found: string[] = [];
  // A partition made ahead is empty, and is read in no time in any way.
  const { rows: hotOnes } = await client.query<{ name: string }>(
    `select oid::regclass::text as name from (${hotRelations}) as relations
     where pg_relation_size(oid) > 0`,
  );
  const large = new Set(hotOnes.map(({ name }) => name));
  for (const { name, sql, values } of statements) {
    const text = `explain (format json) ${sql(db.schema)}`;
    const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(text, [...values]);
    for (const table of sequentialScans(rows[0]?.['QUERY PLAN'])) {
      if (large.has(table)) found.push(`${name}: ${table}`);
    }
  }
  return found;
}

/** Statements that ask for more blocks than their batch may, when they are run. */
async function tooGreedy({ db, client, statements }: Filled): Promise<string[]> {
  const found: string[] = [];
  for (const { name, sql, values, mayFetch } of statements) {
    await client.query('begin');
    const before = await blocksFetched(client);
    await client.query(sql(db.schema), [...values]);
    const fetched = (await blocksFetched(client)) - before;
    await client.query('rollback');
    if (fetched > mayFetch) found.push(`${name}: ${fetched} of ${mayFetch}`);
  }
  return found;
}

const none = { scans: [], greedy: [] };

describe.each(versionsUnderTest())('on Postgres %s', (postgres) => {
  describe('with full tables', () => {
    let full: Filled;
    beforeAll(async () => {
      const waiting = { waiting: 200_000, later: 100_000, held: HELD, dead: 20_000 };
      full = await filled(postgres, { ...waiting, events: 300_000, inbox: 50_000 });
    });
    afterAll(() => full.db.drop());

    it.each(Object.entries(statistics))('and statistics %s', async (_, pretend) => {
      await full.client.query(pretend);
      expect({ scans: await scans(full), greedy: await tooGreedy(full) }).toEqual(none);
    });
  });

  describe('with a few rows', () => {
    it('and statistics of a million, no table is read from front to end', async () => {
      const few = await filled(postgres, {
        waiting: 20,
        later: 10,
        held: 5,
        dead: 5,
        events: 5,
        inbox: 5,
      });
      await few.client.query(statistics['of tables with a million rows']);
      expect({ scans: await scans(few), greedy: await tooGreedy(few) }).toEqual(none);
      await few.db.drop();
    });
  });
});

afterAll(() => stopPostgres15());
