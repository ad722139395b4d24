import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { prepareConsumers } from '../../../src/consumers/builds/prepare-consumers.ts';
import { checkLog } from '../../../src/doctor/checks/check-log.ts';
import { checkSchema } from '../../../src/doctor/checks/check-schema.ts';
import type { Finding } from '../../../src/doctor/finding.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { projections } from '../../../src/projections/registry.ts';
import { type Database, openDatabase } from '../../../src/store/database.ts';
import { identify } from '../../../src/store/epoch/new-epoch.ts';
import { stopPostgres15, versionsUnderTest } from '../../support/postgres-servers.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

afterAll(() => stopPostgres15());

/** What is not fine, without what is to be done. */
const troubles = (findings: readonly Finding[]) =>
  findings
    .filter(({ level }) => level !== 'fine')
    .map(({ level, message, expected, found }) =>
      [level, message, expected, found].filter((part) => part !== undefined).join(' | '),
    );

describe.each(versionsUnderTest())('on Postgres %i', (postgres) => {
  let db: TestDatabase;
  /** One connection, with an open transaction, in which the schema may be changed. */
  let pool: pg.Pool;
  let database: Database;
  beforeAll(async () => {
    db = await createTestDatabase({ postgres });
    await prepareConsumers(db.database, projections, silentObserver);
  });
  afterAll(() => db.drop());
  beforeEach(async () => {
    pool = new pg.Pool({ connectionString: db.directConnectionString, max: 1 });
    const { observer } = db.context;
    database = openDatabase({ pool, schema: 'daybook', poolSize: 1, observer });
    await pool.query('begin');
    await pool.query('set local search_path = daybook');
  });
  afterEach(async () => {
    await pool.query('rollback');
    await pool.end();
  });

  it('a schema as this version makes it is fine', async () => {
    const { findings, readable } = await checkSchema(database);
    expect(troubles(findings)).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual(['migrations', 'schema', 'read-models']);
    expect(readable).toBe(true);
    expect(troubles(await checkLog(database, await identify(database)))).toEqual([]);
  });

  it.each([
    [
      'drop index job_claims_waiting',
      'wrong | index job_claims.job_claims_waiting is missing | CREATE INDEX job_claims_waiting ON job_claims USING btree (queue_id, suspect, priority, run_at, id) WHERE (lease_token IS NULL)',
    ],
    [
      'alter table job_claims alter column priority type integer',
      'wrong | column job_claims.priority is not as expected | smallint not null | integer not null',
    ],
    [
      'alter table job_claims alter column crashes drop default',
      'wrong | column job_claims.crashes is not as expected | smallint not null default 0 | smallint not null',
    ],
    [
      'drop trigger events_are_immutable on events',
      'wrong | trigger events.events_are_immutable is missing | CREATE TRIGGER events_are_immutable BEFORE DELETE OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change_of_events()',
    ],
    [
      'alter table queues drop constraint queues_tenant_id_fkey',
      'wrong | constraint queues.queues_tenant_id_fkey is missing | FOREIGN KEY (tenant_id) REFERENCES tenants(id)',
    ],
    [
      'alter table worker_sessions reset (fillfactor)',
      'wrong | storage worker_sessions is not as expected | autovacuum_vacuum_threshold=500, fillfactor=50 | autovacuum_vacuum_threshold=500',
    ],
    [
      'alter sequence event_inbox_seq_seq cache 50',
      'wrong | sequence event_inbox_seq_seq is not as expected | bigint from 1 by 1, cache 1 | bigint from 1 by 1, cache 50',
    ],
    [
      'alter table rejected_outcomes set unlogged',
      'wrong | table rejected_outcomes is not as expected | plain | plain, unlogged',
    ],
    ['drop table job_logs', 'wrong | table job_logs is missing | plain'],
    [
      'drop index job_status_1_listed',
      'wrong | index job_status_#.job_status_#_listed is missing | CREATE INDEX job_status_#_listed ON job_status_# USING btree (queue_id, status, job_id)',
    ],
    ['drop view job_status', 'wrong | view job_status is missing | a view'],
    [
      "update event_types set name = 'JobDone' where code = 3",
      'wrong | event type 3 is not as expected | JobCompleted | JobDone',
    ],
    [
      'alter table job_claims add column note text not null',
      'wrong | column job_claims.note is unknown to this version, and has to have a value: nothing can be written | text not null',
    ],
    [
      'alter table job_claims add column note text',
      'risky | column job_claims.note is unknown to this version | text',
    ],
    [
      'create index mine on job_claims (correlation)',
      'risky | index job_claims.mine is unknown to this version | CREATE INDEX mine ON job_claims USING btree (correlation)',
    ],
    [
      "update consumer_checkpoints set version = version - 1 where name = 'job-status'",
      'risky | job-status is of version',
    ],
  ])('%s is told', async (change, trouble) => {
    await pool.query(change);
    const found = troubles((await checkSchema(database)).findings);
    expect(found.map((each) => each.slice(0, trouble.length))).toEqual([trouble]);
  });

  it('a function with another body is told', async () => {
    await pool.query(`create or replace function refuse(code text, message text) returns boolean
      language plpgsql as $$ begin return true; end $$`);
    expect(troubles((await checkSchema(database)).findings)).toEqual([
      expect.stringMatching(/^wrong \| function refuse\(code text, message text\) is not as exp/),
    ]);
  });

  it('an index whose making was given up is told', async () => {
    await pool.query(
      "update pg_index set indisvalid = false where indexrelid = 'job_claims_held'::regclass",
    );
    expect(troubles((await checkSchema(database)).findings)).toEqual([
      expect.stringMatching(/^wrong \| index job_claims.job_claims_held .* \(invalid\)$/),
    ]);
  });

  it.each([
    [
      'alter table events_0 disable trigger log_is_kept',
      'wrong | events_0 can be changed: log_is_kept is missing or switched off',
    ],
    [
      'alter table events_0 disable trigger events_are_immutable',
      'wrong | events_0 can be changed: events_are_immutable is missing or switched off',
    ],
    [
      'alter table events detach partition events_1; select add_event_partition(2, 65536)',
      'wrong | there is no partition between events_0 and events_2',
    ],
    [
      'alter table events detach partition events_1; create table events_7 (like events including all); alter table events attach partition events_7 for values from (65537) to (131073)',
      "wrong | events_7 holds other positions | FOR VALUES FROM ('458753') TO ('524289') | FOR VALUES FROM ('65537') TO ('131073')",
    ],
    [
      'update log_head set position = 65000',
      'risky | the log is at 65000, and partitions end at 131072',
    ],
    [
      'delete from log_head',
      'wrong | the log has no head: it was never made, or its head was lost',
    ],
    ["update log_epochs set system_identifier = '1'", 'risky | another server: 1 before'],
  ])('%s is told', async (change, trouble) => {
    await pool.query(change);
    const found = troubles(await checkLog(database, await identify(database)));
    expect(found.map((each) => each.slice(0, trouble.length))).toContain(trouble);
  });

  it('things of others are left alone, tables of their read models too', async () => {
    await pool.query(
      'create table mine (id int primary key); create view theirs as select 1 as one',
    );
    await pool.query(`insert into consumer_checkpoints
      (name, build, version, role, position, begun_at, updated_at, tables)
      values ('mine', 3, 1, 'live', 0, now(), now(), array['counting'])`);
    await pool.query('create table counting_3 (type smallint primary key)');
    expect(troubles((await checkSchema(database)).findings)).toEqual([]);
  });

  it('a migration that was not run is told, and nothing of what it would make', async () => {
    await pool.query("delete from migrations where name like '0004%'");
    await pool.query('drop table subscription_deliveries, subscriptions');
    const { findings, readable } = await checkSchema(database);
    expect(troubles(findings)).toEqual(['wrong | 0004_subscriptions was not run']);
    expect(readable).toBe(false);
  });

  it('what a newer version has added is expected, and what it took away is told', async () => {
    await pool.query("insert into migrations (name, run_on) values ('9999_later', now())");
    await pool.query('alter table job_claims add column later text; drop table job_progress');
    expect(troubles((await checkSchema(database)).findings)).toEqual([
      'risky | a newer version has migrated: 9999_later',
      'wrong | table job_progress is missing | plain',
    ]);
  });

  it('a schema without Daybook is told', async () => {
    const { observer } = db.context;
    const elsewhere = openDatabase({ pool, schema: 'elsewhere', poolSize: 1, observer });
    const { findings, readable } = await checkSchema(elsewhere);
    expect(troubles(findings)).toEqual(['wrong | there is no Daybook in the schema elsewhere']);
    expect(readable).toBe(false);
  });
});
