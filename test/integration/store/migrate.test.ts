import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import { prepareConsumers } from '../../../src/consumers/builds/prepare-consumers.ts';
import { listBuilds } from '../../../src/consumers/statements/list-builds.ts';
import { readSchema, schemaText } from '../../../src/doctor/schema/schema-description.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { projections } from '../../../src/projections/registry.ts';
import { openDatabase } from '../../../src/store/database.ts';
import { createEpochControl } from '../../../src/store/epoch/epoch-control.ts';
import { prepareLog } from '../../../src/store/epoch/prepare-log.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { untilWaiting } from '../../support/postgres-activity.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const connection = () => ({ connectionString: db.directConnectionString });
const all = ['0001_log', '0002_jobs', '0003_consumers', '0004_subscriptions', '0005_told_events'];
const exists = async (schema: string) => {
  const { rowCount } = await db.database.pool.query(
    'select from information_schema.schemata where schema_name = $1',
    [schema],
  );
  return rowCount === 1;
};

describe('migrating', () => {
  it('gives the schema that migrations/schema.txt shows, which doctor compares with', async () => {
    await prepareConsumers(db.database, projections, silentObserver);
    const builds = await db.database.run(listBuilds, { name: null });
    const text = schemaText(await readSchema(db.database, builds));
    await expect(text).toMatchFileSnapshot('../../../migrations/schema.txt');
  });

  it('is done once by five at the same moment', async () => {
    const options = () => ({ connection: connection(), schema: 'at_once' });
    const done = await Promise.all([1, 2, 3, 4, 5].map(() => migrate(options())));
    expect(done.filter((names) => names.length > 0)).toEqual([all]);
    expect(await migrate(options())).toEqual([]);
  });

  it('is done once by five processes at the same moment', async () => {
    const module = new URL('../../../src/store/migrate.ts', import.meta.url).href;
    const code = `
      import { migrate } from ${JSON.stringify(module)};
      const connectionString = process.env.ADDRESS;
      console.log(JSON.stringify(await migrate({ connection: { connectionString }, schema: 'processes' })));`;
    const run = async () => {
      const flags = ['--import', 'tsx', '--input-type=module', '-e', code];
      const child = spawn(process.execPath, flags, {
        cwd: fileURLToPath(new URL('../../..', import.meta.url)),
        env: { ...process.env, ADDRESS: db.directConnectionString },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const output: string[] = [];
      child.stdout.on('data', (chunk: Buffer) => output.push(String(chunk)));
      const [exit] = (await once(child, 'close')) as [number];
      return { exit, names: JSON.parse(output.join('') || 'null') as string[] | null };
    };
    const done = await Promise.all([1, 2, 3, 4, 5].map(() => run()));
    expect(done.map(({ exit }) => exit)).toEqual([0, 0, 0, 0, 0]);
    expect(done.flatMap(({ names }) => names ?? [])).toEqual(all);
  });

  it('tells each migration that it ran', async () => {
    const told: string[] = [];
    const onMigration = (name: string) => told.push(name);
    await migrate({ connection: connection(), schema: 'told', onMigration });
    expect(told).toEqual(all);
  });

  it.each(['select', '_x1', 'user', 'a'.repeat(48)])('works in the schema %s', async (schema) => {
    const other = await createTestDatabase({ schema, sequencer: true });
    await submitJobs(other.context, [{ type: 'x' }]);
    const position = async () => {
      const { rows } = await other.database.pool.query(
        `select position from ${other.schema}.log_head`,
      );
      return rows as unknown;
    };
    await expectSoon(position).toEqual([{ position: '2' }]);
    await other.drop();
  });

  it.each(['', 'Daybook', '1a', 'a-b', 'pg_x', 'a"; drop schema daybook; --', 'a'.repeat(49)])(
    'refuses the schema "%s"',
    async (schema) => {
      await expect(migrate({ connection: connection(), schema })).rejects.toMatchObject({
        code: 'invalid-options',
      });
    },
  );
});

describe('a migration that is interrupted', () => {
  it('leaves nothing behind, and the next one goes through', async () => {
    // Somebody is making a type of the same name, so that the migration stops half-way.
    const blocker = await db.connect();
    await blocker.query('create schema interrupted');
    await blocker.query('begin');
    await blocker.query('create table interrupted.worker_sessions (id int)');
    const migrating = migrate({ connection: connection(), schema: 'interrupted' });
    const outcome = migrating.catch((error: unknown) => error);
    await untilWaiting(db, '');
    await db.database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where wait_event_type = 'Lock' and datname = current_database()`,
    );
    expect(await outcome).toMatchObject({ code: 'database-unavailable' });
    await blocker.query('rollback');
    const tables = await db.database.pool.query(
      `select table_name from information_schema.tables where table_schema = 'interrupted'
       and table_name <> 'migrations'`,
    );
    expect(tables.rows).toEqual([]);
    expect(await migrate({ connection: connection(), schema: 'interrupted' })).toEqual(all);
  });

  it('because something is in the way says what, and leaves nothing behind', async () => {
    await db.database.pool.query(
      'create schema in_the_way; create table in_the_way.queues (id int)',
    );
    await expect(migrate({ connection: connection(), schema: 'in_the_way' })).rejects.toMatchObject(
      {
        code: 'migration-failed',
        message: expect.stringContaining('queues') as string,
      },
    );
    await db.database.pool.query('drop table in_the_way.queues');
    expect(await migrate({ connection: connection(), schema: 'in_the_way' })).toEqual(all);
  });

  it('waits for one that runs', async () => {
    const first = migrate({ connection: connection(), schema: 'queueing' });
    const second = migrate({ connection: connection(), schema: 'queueing' });
    const done = await Promise.all([first, second]);
    expect(done.flat()).toEqual(all);
    expect(await exists('queueing')).toBe(true);
  });
});

describe('without the rights of a superuser', () => {
  it('everything works in a schema of its own', async () => {
    const name = `plain_${process.pid}`;
    const pool = db.database.pool;
    await pool.query(`create role ${name} login password 'x'`);
    await pool.query(
      `grant create on database ${new URL(db.directConnectionString).pathname.slice(1)} to ${name}`,
    );
    const url = new URL(db.directConnectionString);
    url.username = name;
    url.password = 'x';
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    expect(await migrate({ connection: { connectionString: url.href }, schema: 'plain' })).toEqual(
      all,
    );
    await client.query(
      'select system_identifier, pg_walfile_name(pg_current_wal_lsn()) from pg_control_system()',
    );
    await client.query('select plain.add_event_partition(0, 65536)');
    await client.end();
    const connectionString = url.href;
    const { observer } = db.context;
    const options = { connectionString, schema: 'plain', poolSize: 2, observer };
    const database = openDatabase({ ...options, clock: systemClock });
    await prepareLog(database, 65_536);
    expect(await createEpochControl(database, observer).open('why not')).toMatchObject({
      epoch: 2,
    });
    await database.close();
    await pool.query(`drop owned by ${name}; drop role ${name}`);
  });
});
