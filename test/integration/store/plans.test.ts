import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  blocksFetched,
  type Fill,
  fillTables,
  hotRelations,
  statistics,
} from '../../support/big-tables.ts';
import type pg from 'pg';
import { HELD, type Hot, hotStatements } from '../../support/hot-statements.ts';
import { readStreams } from '../../../src/store/statements/read-streams.ts';
import { lapse } from '../../support/job-steps.ts';
import {
  type PostgresVersion,
  stopPostgres15,
  versionsUnderTest,
} from '../../support/postgres-servers.ts';
import { sequentialScans } from '../../support/query-plans.ts';
import { createTestDatabase, newId } from '../../support/test-database.ts';

async function filled(postgres: PostgresVersion, fill: Fill) {
  const db = await createTestDatabase({ postgres });
  const [session, lapsed] = [await db.openSession(), await db.openSession()];
  const client = await db.connect();
  const preparing = await db.connect();
  await preparing.query('set enable_seqscan = off; set plan_cache_mode = force_generic_plan');
  await fillTables(db, fill, [session, lapsed], async () => {
    for (const hot of await hotStatements(client, session)) await run(preparing, hot, db.schema);
  });
  await lapse(db, lapsed);
  return { db, client, preparing, statements: await hotStatements(client, session) };
}

/** Runs a statement in a transaction that is rolled back; answers how many blocks it asked for. */
async function run(client: pg.Client, hot: Hot, schema: string, prepare = true): Promise<number> {
  const { name, prepared, sql, values } = hot;
  await client.query('begin');
  const before = await blocksFetched(client);
  const named = prepare && prepared ? { name } : {};
  await client.query({ ...named, text: sql(schema), values: [...values] });
  const fetched = (await blocksFetched(client)) - before;
  await client.query('rollback');
  return fetched;
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
  for (const hot of statements) {
    const fetched = await run(client, hot, db.schema, false);
    if (fetched > hot.mayFetch) found.push(`${hot.name}: ${fetched} of ${hot.mayFetch}`);
  }
  return found;
}

/**
 * Prepared statements that ask for more blocks than they may, by the plans they were given when the
 * tables held one row each. (Where plans may read tables from front to end, these are nearly all.)
 */
async function tooGreedyAsPrepared({ db, preparing, statements }: Filled): Promise<string[]> {
  const found: string[] = [];
  for (const hot of statements.filter(({ prepared }) => prepared)) {
    const fetched = await run(preparing, hot, db.schema);
    if (fetched > hot.mayFetch) found.push(`${hot.name}: ${fetched} of ${hot.mayFetch}`);
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

    it('and plans that were made when they held one row each', async () => {
      const { rows } = await full.preparing.query<{ plans: number; statements: number }>(
        `select sum(generic_plans)::int as plans, count(*)::int as statements
         from pg_prepared_statements`,
      );
      expect(rows[0]?.statements).toBeGreaterThan(5);
      expect(rows[0]?.plans).toBeGreaterThan(5);
      expect(await tooGreedyAsPrepared(full)).toEqual([]);
    });

    it('and a plan that is kept finds streams in the inbox by their hashes', async () => {
      const { preparing, db } = full;
      await preparing.query(`prepare kept as ${readStreams.sql(db.schema)}`);
      const { rows } = await preparing.query<{ 'QUERY PLAN': string }>(
        `explain execute kept (1, '{${newId()}}')`,
      );
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      // An array that is a parameter is compared element by element, for each row of the inbox.
      expect(plan.match(/hashed SubPlan/g)).toHaveLength(2);
      expect(plan).not.toMatch(/Filter:.*= ANY \(\$2\)/);
    });

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

it('are tested for every statement that is prepared', async () => {
  const db = await createTestDatabase();
  const tested = await hotStatements(await db.connect(), newId());
  await db.drop();
  const folder = new URL('../../../src/store/statements/', import.meta.url);
  const files = (await readdir(folder)).filter((file) => file.endsWith('.ts'));
  const modules: object[] = await Promise.all(
    files.map((file) => import(new URL(file, folder).href)),
  );
  const exported = modules.flatMap((each) => Object.values(each) as Partial<Hot>[]);
  const prepared = exported.filter((each) => each.prepared === true).map(({ name }) => name);
  expect(prepared.length).toBeGreaterThan(5);
  expect(tested.map(({ name }) => name)).toEqual(expect.arrayContaining(prepared));
});

afterAll(() => stopPostgres15());
