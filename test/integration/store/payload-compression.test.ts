import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrationsFolder } from '../../../src/store/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

const methods = `
  select attname, attcompression::text as method from pg_attribute
  where attrelid = 'job_payloads'::regclass and attname in ('payload', 'result') order by attname`;

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

describe('payloads and results', () => {
  it('are compressed by lz4 where the server has it, and as it likes elsewhere', async () => {
    const method = hasLz4 ? 'l' : '';
    const { rows } = await client.query(methods);
    expect(rows).toEqual([
      { attname: 'payload', method },
      { attname: 'result', method },
    ]);
  });

  it('are so by a migration that asks for it wherever the server says that it has it', async () => {
    const sql = await readFile(join(migrationsFolder, '0006_payload_compression.sql'), 'utf8');
    const [up = ''] = sql.split(/^-- Down Migration/m);
    await client.query(`
        begin;
        create schema other;
        create table other.job_payloads (payload json, result json);
        create table other.pg_settings as
          select 'default_toast_compression' as name, '{pglz,lz4}'::text[] as enumvals;
        set local search_path = other, pg_catalog`);
    const done = client.query(up);
    // Servers that are built without it refuse what they are told they can do.
    if (hasLz4) await done;
    else await expect(done).rejects.toMatchObject({ message: expect.stringContaining('lz4') });
    await client.query('rollback');
  });
});
