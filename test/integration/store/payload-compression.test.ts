import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/store/database.ts';
import { compressByLz4 } from '../../../src/store/statements/compress-by-lz4.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
let client: pg.Client;
let hasLz4: boolean;
beforeAll(async () => {
  db = await createTestDatabase();
  client = await db.connect();
  const { rowCount } = await client.query(
    "select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)",
  );
  hasLz4 = rowCount === 1;
});
afterAll(() => db.drop());

/** What is asked of a server that says this of its setting. */
async function askedOf(source: string, enumvals: string): Promise<unknown> {
  await client.query(`
    begin;
    create schema other;
    create table other.pg_settings as
      select 'default_toast_compression' as name, '${source}' as source, '${enumvals}'::text[] as enumvals;
    set local search_path = other, pg_catalog`);
  try {
    return (await client.query(compressByLz4.sql(''))).rows;
  } finally {
    await client.query('rollback');
  }
}

describe('payloads are compressed', () => {
  it('by lz4 on connections of its own, where the server has it', async () => {
    const database = openDatabase({
      connectionString: db.directConnectionString,
      schema: 'daybook',
      poolSize: 1,
      observer: db.context.observer,
    });
    const { rows } = await database.pool.query(`show default_toast_compression`);
    expect(rows).toEqual([{ default_toast_compression: hasLz4 ? 'lz4' : 'pglz' }]);
    await database.close();
  });

  it('by lz4 wherever a server says that it has it', async () => {
    const asked = askedOf('default', '{pglz,lz4}');
    if (hasLz4) expect(await asked).toEqual([{ set_config: 'lz4' }]);
    // One that is built without refuses what it was made to say it has.
    else await expect(asked).rejects.toThrow('lz4');
  });

  it.each([
    ['has nothing else', 'default', '{pglz}'],
    ['was told what to do', 'configuration file', '{pglz,lz4}'],
  ])('as the server likes that %s', async (_what, source, enumvals) => {
    expect(await askedOf(source, enumvals)).toEqual([]);
  });
});
