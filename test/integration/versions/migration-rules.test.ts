import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrationsFolder } from '../../../src/store/migrate.ts';
import { readRecord, recordedVersions } from '../../support/recorded-version.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

/** Locks that keep others from writing (or more), as headers call them, the weakest first. */
const strongLocks: Readonly<Record<string, string>> = {
  ShareLock: 'SHARE',
  ShareRowExclusiveLock: 'SHARE ROW EXCLUSIVE',
  ExclusiveLock: 'EXCLUSIVE',
  AccessExclusiveLock: 'ACCESS EXCLUSIVE',
};
/** Tables that grow with the work done: to read one from front to end takes long. */
const growing = new Set([
  'dead_jobs',
  'event_inbox',
  'events',
  'idempotency_keys',
  'job_claims',
  'job_payloads',
  'log_batches',
]);
/** What a process of the version before may still need. */
const takesAway =
  /\b(drop (table|column|view|function|index|trigger)|rename (to|column|constraint)|set not null|alter (column )?\w+ (set data )?type)\b/i;

/** What a migration says about itself. */
function headerOf(sql: string) {
  const [, header = ''] = /^-- Up Migration\n((?:--.*\n)+)/.exec(sql) ?? [];
  const text = header.replaceAll(/^-- ?/gm, ' ').replaceAll(/\s+/g, ' ');
  const part = (name: string) =>
    new RegExp(`${name}: (.+?\\.)(?= [A-Z][a-z]+: |\\s*$)`).exec(text)?.[1];
  return { purpose: part('Purpose'), locks: part('Locks'), breaking: part('Breaking') };
}

const upOf = (sql: string) => sql.split(/^-- Down Migration/m)[0] ?? '';

/** What is wrong with a migration, as far as its text tells. */
function textProblems(sql: string): string[] {
  const { purpose, locks, breaking } = headerOf(sql);
  const problems: string[] = [];
  if (purpose === undefined) problems.push('has no Purpose');
  if (locks === undefined) problems.push('has no Locks');
  if (breaking === undefined || !/^(no|yes: )/.test(breaking)) {
    problems.push('says neither "Breaking: no" nor "Breaking: yes: ..."');
  }
  const up = upOf(sql).replaceAll(/--.*$/gm, '');
  const taken = takesAway.exec(up)?.[0];
  if (taken !== undefined && !breaking?.startsWith('yes: ')) {
    problems.push(`takes something away ("${taken}"), and is not Breaking`);
  }
  return problems;
}

interface TableRow {
  readonly oid: number;
  readonly name: string;
  /** The file that holds it: another one after a table was written anew. */
  readonly file: number;
}

const tablesOf = async (client: pg.Client): Promise<TableRow[]> => {
  const { rows } = await client.query<TableRow>(
    `select oid, relname as name, relfilenode as file from pg_class
     where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')`,
  );
  return rows;
};

/** Runs a migration, and tells what it did to tables that were there before. */
async function problemsWhenRun(client: pg.Client, sql: string): Promise<string[]> {
  const { locks = '' } = headerOf(sql);
  await client.query('begin');
  const before = await tablesOf(client);
  await client.query(upOf(sql));
  const files = new Map((await tablesOf(client)).map(({ oid, file }) => [oid, file]));
  const rewritten = before.filter(({ oid, file }) => files.has(oid) && files.get(oid) !== file);
  const { rows: held } = await client.query<{ name: string; modes: string[] }>(
    `select c.relname as name, array_agg(l.mode) as modes
     from pg_locks l join pg_class c on c.oid = l.relation
     where l.pid = pg_backend_pid() and l.relation = any ($1) group by 1 order by 1`,
    [before.map(({ oid }) => oid)],
  );
  await client.query('commit');
  const strongest = held.flatMap(({ name, modes }) => {
    const lock = Object.entries(strongLocks).findLast(([mode]) => modes.includes(mode))?.[1];
    return lock === undefined ? [] : [{ name, lock }];
  });
  return [
    ...rewritten.map(
      ({ name }) => `writes ${name} anew, which takes long, and keeps everybody out`,
    ),
    ...strongest
      .filter(({ name, lock }) => !(locks.includes(name) && locks.includes(lock)))
      .map(({ name, lock }) => `takes ${lock} on ${name}, and does not say so`),
    ...strongest
      .filter(({ name, lock }) => lock === 'SHARE' && growing.has(name))
      .map(({ name }) => `makes an index on ${name}, for which all that write wait`),
  ];
}

const files = (await readdir(migrationsFolder)).filter((name) => name.endsWith('.sql')).toSorted();
const read = (name: string) => readFile(join(migrationsFolder, name), 'utf8');

describe('every migration', () => {
  let db: TestDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    db = await createTestDatabase();
    client = await db.connect();
    await client.query('create schema rules; set search_path = rules');
  });
  afterAll(() => db.drop());

  it.each(files)('%s says what it locks and breaks, and does nothing else', async (name) => {
    const sql = await read(name);
    expect([...textProblems(sql), ...(await problemsWhenRun(client, sql))]).toEqual([]);
  });

  it('that was released is what it was', async () => {
    for (const version of await recordedVersions()) {
      const record = await readRecord(version);
      for (const [path, text] of Object.entries(record)) {
        const [folder, name = ''] = path.split('/');
        if (folder !== 'migrations' || !name.endsWith('.sql')) continue;
        expect(await read(name), `${name} is part of ${version}: add another one`).toBe(text);
      }
    }
  });

  const header = (locks: string, breaking: string) =>
    `-- Up Migration\n-- Purpose: x.\n-- Locks: ${locks}. Breaking: ${breaking}.\n`;
  it.each([
    [
      'alter table job_claims add column a text;',
      [
        'has no Purpose',
        'has no Locks',
        'says neither "Breaking: no" nor "Breaking: yes: ..."',
        'takes ACCESS EXCLUSIVE on job_claims, and does not say so',
      ],
    ],
    [
      `${header('job_claims ACCESS EXCLUSIVE', 'no')} alter table job_claims add column b text;`,
      [],
    ],
    [
      `${header('job_claims ACCESS EXCLUSIVE', 'no')} alter table job_claims drop column b;`,
      ['takes something away ("drop column"), and is not Breaking'],
    ],
    [`${header('queues SHARE', 'no')} create index c on queues (created_at);`, []],
    [
      `${header('job_claims SHARE', 'no')} create index f on job_claims (correlation);`,
      ['makes an index on job_claims, for which all that write wait'],
    ],
    [
      `${header('none', 'no')} create index d on queues (created_at);`,
      ['takes SHARE on queues, and does not say so'],
    ],
    [
      `${header('job_claims ACCESS EXCLUSIVE', 'yes: all before')} alter table job_claims alter column priority type integer;`,
      ['writes job_claims anew, which takes long, and keeps everybody out'],
    ],
    [
      `${header('none', 'no')} create table e (tenant integer references tenants (id));`,
      ['takes SHARE ROW EXCLUSIVE on tenants, and does not say so'],
    ],
  ])('is refused where it is not so: %s', async (sql, problems) => {
    expect([...textProblems(sql), ...(await problemsWhenRun(client, sql))]).toEqual(problems);
  });
});
