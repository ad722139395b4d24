import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../../../src/store/database.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
  // As on a stock server: the one of the tests has no compiler.
  await db.database.pool.query(`do $$ begin
    execute format('alter database %I set jit = on', current_database()); end $$`);
});
afterAll(() => db.drop());

it.each([
  [false, 'off', 'on'],
  ['if-direct', 'off', 'off'],
] as const)(
  'a connection of its own compiles nothing, prepared statements: %s',
  async (prepare, jit, seqscan) => {
    const database = openDatabase({
      connectionString: db.directConnectionString,
      schema: 'daybook',
      poolSize: 1,
      observer: db.context.observer,
      prepare,
    });
    const { rows } = await database.pool.query(
      `select current_setting('jit') as jit, current_setting('enable_seqscan') as seqscan`,
    );
    expect(rows).toEqual([{ jit, seqscan }]);
    await database.close();
  },
);

it('what others have opened is left as it is', async () => {
  const client = await db.connect();
  const { rows } = await client.query(`select current_setting('jit') as jit`);
  expect(rows).toEqual([{ jit: 'on' }]);
});
