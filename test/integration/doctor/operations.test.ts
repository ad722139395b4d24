import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { prepareConsumers } from '../../../src/consumers/builds/prepare-consumers.ts';
import { checkLog, checkSnapshots } from '../../../src/doctor/checks/check-log.ts';
import { checkPermissions } from '../../../src/doctor/checks/check-permissions.ts';
import { checkReaders } from '../../../src/doctor/checks/check-readers.ts';
import { checkServer } from '../../../src/doctor/checks/check-server.ts';
import { examine } from '../../../src/doctor/doctor.ts';
import type { Finding } from '../../../src/doctor/finding.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { runDoctor } from '../../../src/maintenance/commands.ts';
import { projections } from '../../../src/projections/registry.ts';
import { type Database, openDatabase } from '../../../src/store/database.ts';
import { identify } from '../../../src/store/epoch/new-epoch.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { submitOne } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

const version = '1.2.3';
const troubles = (findings: readonly Finding[]) =>
  findings
    .filter(({ level }) => level !== 'fine')
    .map(({ level, check, message }) => `${level} ${check}: ${message}`);

describe('a Daybook that runs', () => {
  let daybook: TestDaybook;
  let direct: Database;
  beforeAll(async () => {
    daybook = await openTestDaybook();
    await daybook.submitMany([{ type: 'x' }, { type: 'x' }]);
    const connectionString = daybook.db.directConnectionString;
    const { observer } = daybook.db.context;
    direct = openDatabase({ connectionString, schema: 'daybook', poolSize: 2, observer });
  });
  afterAll(async () => {
    await direct.close();
    await daybook.close();
  });
  // LISTEN goes past a pooler, if these tests run through one.
  const look = () => examine(daybook.db.database, { version, direct });

  it('is well, but for what its server was told', async () => {
    // Duties are taken in their own time.
    const { findings, ...rest } = await vi.waitFor(async () => {
      const looked = await look();
      const beside = troubles(looked.findings).filter((each) => !each.startsWith('risky settings'));
      expect(beside).toEqual([]);
      return looked;
    });
    expect(rest).toEqual({ verdict: 'risky', version, schema: 'daybook' });
    expect(new Set(findings.map(({ check }) => check)).size).toBe(14);
    expect(
      findings.filter(({ check }) => check === 'settings').map(({ subject }) => subject),
    ).toEqual(['fsync', 'full_page_writes', 'synchronous_commit']);
    expect(findings.map(({ message }) => message)).toContain('hints arrive');
  });

  it('lets the command end with 0, and with 1 where a risk counts as wrong', async () => {
    const { connectionString, directConnectionString } = daybook.db;
    const printed: string[] = [];
    const print = (line: string) => printed.push(line);
    const target = { connectionString, schema: undefined, print, note: print };
    const flags = { json: false, strict: false, directConnectionString, version };
    await vi.waitFor(async () => {
      printed.length = 0;
      expect(await runDoctor(target, flags)).toBe(0);
      expect(printed[0]).toContain('0 wrong, 3 risky.');
    });
    expect(printed[0]).toMatch(/\nfine +schema +\d+ things as expected\n[^]*\n0 wrong, 3 risky\.$/);
    expect(await runDoctor(target, { ...flags, strict: true })).toBe(1);
  });

  it('tells a direct connection to another database', async () => {
    const other = await createTestDatabase();
    const { findings } = await examine(daybook.db.database, { version, direct: other.database });
    expect(troubles(findings)).toContain(
      'wrong wake-up: DATABASE_DIRECT_URL leads to another database than DATABASE_URL',
    );
    await other.drop();
  });

  it('tells who keeps dead rows, and since when', async () => {
    const keeper = await daybook.db.connect();
    await keeper.query("set application_name = 'a long report'");
    await keeper.query('begin isolation level repeatable read; select 1');
    const held = async () =>
      troubles(await checkSnapshots(daybook.db.database, 1)).filter((each) =>
        each.includes('a long report'),
      );
    await expectSoon(held).toEqual([
      expect.stringMatching(
        /^risky snapshots: process \d+ \(a long report, idle in transaction\) keeps dead rows/,
      ),
    ]);
    await keeper.query('commit');
    expect(await held()).toEqual([]);
  });
});

describe('a Daybook of which nothing runs', () => {
  let db: TestDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    db = await createTestDatabase();
    await prepareConsumers(db.database, projections, silentObserver);
    await submitOne(db);
    await sequenceAll(db.database);
    client = await db.connect();
  });
  afterAll(() => db.drop());
  const readers = async () => troubles(await checkReaders(db.database));

  it('is told to keep no house', async () => {
    await client.query('update consumer_checkpoints set position = 2, updated_at = now()');
    expect(await readers()).toEqual([
      'risky housekeeping: nobody is the sequencer at this moment',
      'risky housekeeping: nobody is the caretaker at this moment',
    ]);
  });

  it.each([
    [
      "update consumer_checkpoints set position = 0, updated_at = now() - interval '1 min' where name = 'job-status'",
      'wrong consumers: job-status does not move, 2 events, 0 s behind',
    ],
    [
      `update consumer_checkpoints set halted = 'failed', failure = '{"message":"no room"}' where name = 'job-metrics'`,
      'wrong consumers: job-metrics has failed, 0 events, 0 s behind: no room',
    ],
    [
      "update consumer_checkpoints set halted = 'paused' where name = 'queue-counters'",
      'risky consumers: queue-counters is paused, 0 events, 0 s behind',
    ],
    [
      "insert into parked_events values ('failure-groups', 1, 1, gen_random_uuid(), 'parked', 1, null, now())",
      'risky consumers: failure-groups has parked 1 event',
    ],
    [
      `insert into worker_sessions (id, started_at, last_beat_at, lease_until, tenant_id, lease_ms, slots, name, queues, types)
       values (gen_random_uuid(), now(), now(), now() - interval '5 min', 1, 12000, 1, 'gone', '{}', '{}')`,
      'wrong housekeeping: nobody has taken back the jobs of 1 worker session whose lease is over',
    ],
    [
      `insert into subscriptions (tenant_id, name, filter, start_from, ordering, ack_timeout_ms, max_attempts, max_in_flight,
         created_at, epoch, position, read_position, moved_at)
       values (1, 'mails', '{}', 'beginning', 'stream', 1000, 3, 10, now(), 1, 1000, 1000, now())`,
      'wrong subscriptions: mails hands out nothing: its place is ahead of the log',
    ],
  ])('%s is told', async (change, trouble) => {
    await client.query(change);
    const found = (await readers()).map((each) => each.replace(/, \d+ s behind/, ', 0 s behind'));
    expect(found).toContain(trouble);
  });

  it('is told that events wait for their position', async () => {
    await submitOne(db);
    const server = await identify(db.database);
    expect(troubles(await checkLog(db.database, server))).toEqual([]);
    await client.query("update event_inbox set occurred_at = now() - interval '50 s'");
    expect(troubles(await checkLog(db.database, server))).toEqual([
      expect.stringMatching(/^wrong log: events have waited for their position for 5\d s/),
    ]);
  });
});

describe('a role', () => {
  let db: TestDatabase;
  const role = `doctor_${process.pid}`;
  beforeAll(async () => {
    db = await createTestDatabase();
    await db.database.pool.query(`create role ${role} login password 'x'`);
  });
  afterAll(async () => {
    await db.database.pool.query(`drop owned by ${role}; drop role ${role}`);
    await db.drop();
  });

  const found = async () => {
    const url = new URL(db.directConnectionString);
    url.username = role;
    url.password = 'x';
    const { observer } = db.context;
    const options = { connectionString: url.href, schema: 'daybook', poolSize: 1, observer };
    const database = openDatabase(options);
    const findings = await checkPermissions(database);
    await database.close();
    return troubles(findings);
  };

  it('without rights is told what it lacks', async () => {
    await db.database.pool.query(`
      grant usage on schema daybook to ${role};
      grant select, insert, update, delete on all tables in schema daybook to ${role};
      revoke delete on daybook.job_claims from ${role};
      grant usage on all sequences in schema daybook to ${role};
      revoke usage on sequence daybook.queues_id_seq from ${role}`);
    expect(await found()).toEqual([
      'wrong permissions: nothing may be made in the schema: neither partitions of the log nor read models',
      'wrong permissions: the log belongs to another role: no partition can be attached to it',
      'wrong permissions: job_claims may not be used in full',
      'wrong permissions: queues_id_seq may not be used in full',
    ]);
  });

  it('that may do all is fine', async () => {
    await db.database.pool.query(`grant daybook to ${role}`);
    expect(await found()).toEqual([]);
  });
});

describe('a server', () => {
  const server = {
    version_number: 180004,
    version: '18.4',
    database: 'd',
    role: 'r',
    in_recovery: false,
    now: 1_000_000,
    connections: 5,
    max_connections: 100,
    settings: {
      fsync: 'on',
      default_transaction_isolation: 'read committed',
      session_replication_role: 'origin',
      server_encoding: 'UTF8',
      statement_timeout: '0',
    },
  };
  const found = async (given: object) => {
    const run = () => Promise.resolve([{ ...server, ...given }]);
    return troubles(await checkServer({ run } as never, () => 1_000_000));
  };

  it.each([
    [{}, []],
    [{ version_number: 140010 }, [/^wrong server: .*needs PostgreSQL 15 or later/]],
    [{ version_number: 190001 }, [/^risky server: .*newer than 18/]],
    [{ connections: 95 }, [/^risky server: 95 of 100 connections are in use/]],
    [{ now: 1_004_000 }, [/^risky clock: .*differ by 4.0 s/]],
    [{ now: 990_000 }, [/^risky clock: .*differ by 10.0 s/]],
  ])('with %j is told', async (given, expected) => {
    expect(await found(given)).toEqual(
      expected.map((each) => expect.stringMatching(each) as string),
    );
  });

  it.each([
    ['synchronous_commit', 'off', 'risky'],
    ['wal_level', 'minimal', 'risky'],
    ['autovacuum', 'off', 'risky'],
    ['track_counts', 'off', 'risky'],
    ['jit', 'on', 'risky'],
    ['statement_timeout', '5s', 'risky'],
    ['statement_timeout', '900ms', 'risky'],
    ['default_transaction_read_only', 'on', 'wrong'],
    ['default_transaction_isolation', 'serializable', 'wrong'],
    ['session_replication_role', 'replica', 'wrong'],
    ['server_encoding', 'LATIN1', 'wrong'],
  ])('whose %s is %s is told', async (name, value, level) => {
    const settings = { ...server.settings, [name]: value };
    expect(await found({ settings })).toEqual([expect.stringMatching(`^${level} settings: .*`)]);
    expect(await found({ settings: { ...settings, statement_timeout: '1min' } })).toHaveLength(
      name === 'statement_timeout' ? 0 : 1,
    );
  });
});
