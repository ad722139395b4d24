import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { openDatabase } from '../../../src/store/database.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { prepareLog } from '../../../src/store/epoch/prepare-log.ts';
import { sqlState } from '../../../src/store/sqlstate.ts';
import { defineStatement } from '../../../src/store/statement.ts';
import { readHead } from '../../../src/store/statements/read-head.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { poolerOfRun } from '../../support/pooler.ts';
import { backendOf } from '../../support/postgres-activity.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ poolSize: 3 });
});
afterAll(() => db.drop());

const open = (connectionString: string, schema = 'daybook') =>
  openDatabase({ connectionString, schema, poolSize: 2, observer: silentObserver });
const kill = (pid: number) => db.database.pool.query('select pg_terminate_backend($1)', [pid]);

const killMe = defineStatement<Record<string, never>, never>({
  name: 'kill-me',
  sql: () => 'select pg_terminate_backend(pg_backend_pid()), pg_sleep(60)',
  values: () => [],
});

describe('a server that cannot be reached', () => {
  it.each([
    'postgres://x@127.0.0.1:1/x',
    'postgres://x@localhost:1/x',
    'postgres://x@no.such.host.invalid/x',
  ])('(%s) is told as database-unavailable', async (address) => {
    const database = open(address);
    const unavailable = { code: 'database-unavailable' };
    await expect(database.run(readHead, {})).rejects.toMatchObject(unavailable);
    await expect(database.transaction((tx) => tx.run(readHead, {}))).rejects.toMatchObject(
      unavailable,
    );
    const connection = { connectionString: address };
    await expect(migrate({ connection, schema: 'daybook' })).rejects.toMatchObject(unavailable);
    await database.close();
  });

  it('because it takes no more connections is told as database-unavailable', async () => {
    const name = new URL(db.directConnectionString).pathname.slice(1);
    const plain = `one_connection_${process.pid}`;
    await db.database.pool.query(`create role ${plain} login password 'x' connection limit 0`);
    const url = new URL(db.directConnectionString);
    url.username = plain;
    url.password = 'x';
    const database = open(url.href);
    await expect(database.run(readHead, {})).rejects.toMatchObject({
      code: 'database-unavailable',
    });
    await database.close();
    await db.database.pool.query(`drop role ${plain}`);
    expect(name).not.toBe('');
  });
});

describe('a connection that the server ends', () => {
  it('under a statement is told as database-unavailable, and the next one works', async () => {
    await expect(db.database.run(killMe, {})).rejects.toMatchObject({
      code: 'database-unavailable',
    });
    expect(await db.database.run(readHead, {})).toHaveLength(1);
  });

  it('in a transaction is told so, leaves the pool usable, and nothing is kept', async () => {
    for (let round = 0; round < 5; round += 1) {
      const lost = db.database.transaction(async (tx) => {
        await tx.run(killMe, {}).catch(() => undefined);
        await tx.run(readHead, {});
      });
      await expect(lost).rejects.toMatchObject({ code: 'database-unavailable' });
    }
    expect(await db.database.run(readHead, {})).toHaveLength(1);
  });

  // Behind a pooler an idle connection is the pooler's to lose.
  it.skipIf(poolerOfRun() !== undefined)(
    'while it is idle is a warning, and ends nothing',
    async () => {
      const { rows } = await db.database.pool.query<{ pid: number }>(
        'select pg_backend_pid() as pid',
      );
      const other = await db.connect();
      await other.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      const warned = () => db.warnings.map(({ message }) => message);
      await expectSoon(warned).toContain('an idle connection was lost');
      expect(await db.database.run(readHead, {})).toHaveLength(1);
    },
  );

  it('of a caller’s client is told as database-unavailable', async () => {
    const client = await db.connectCaller();
    await client.query('begin');
    await kill(await backendOf(client));
    const keyed = { type: 'x', uniqueKey: 'lost' };
    for (const job of [{ type: 'x' }, keyed]) {
      await expect(submitJobs(db.context, [job], { client })).rejects.toMatchObject({
        code: 'database-unavailable',
      });
    }
  });
});

describe('a schema that is not there', () => {
  it.each(['never_migrated', 'half_migrated'])(
    '(%s) is told as migration-needed',
    async (schema) => {
      if (schema === 'half_migrated') {
        await migrate({ connection: { connectionString: db.directConnectionString }, schema });
        await db.database.pool.query(`drop function ${schema}.add_event_partition;
        alter table ${schema}.log_head drop column tick`);
      }
      const database = open(db.connectionString, schema);
      const needed = { code: 'migration-needed' };
      await expect(database.run(readHead, {})).rejects.toMatchObject(needed);
      await expect(prepareLog(database, 65_536)).rejects.toMatchObject(needed);
      await database.close();
    },
  );
});

describe('any other error', () => {
  it('comes as it is', async () => {
    const wrong = defineStatement({ name: 'wrong', sql: () => 'select 1 / 0', values: () => [] });
    await expect(db.database.run(wrong, {})).rejects.toMatchObject({ code: '22012' });
  });

  it('of a pool that is the caller’s own leaves that pool open', async () => {
    const pool = new pg.Pool({ connectionString: db.connectionString, max: 1 });
    const database = openDatabase({
      pool,
      schema: 'daybook',
      poolSize: 1,
      observer: silentObserver,
    });
    const broken = database.transaction(async (tx) => {
      await tx.run(readHead, {});
      throw new Error('mine');
    });
    await expect(broken).rejects.toThrow('mine');
    await database.close();
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
    expect(sqlState.adminShutdown).toBe('57P01');
  });
});
