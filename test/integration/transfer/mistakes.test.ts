import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transferActions } from '../../../src/maintenance/transfer-actions.ts';
import { runExport, runRestoreFromFile } from '../../../src/maintenance/transfer-commands.ts';
import { withKurrentSource } from '../../../src/maintenance/kurrent-source.ts';
import { restoreLog } from '../../../src/transfer/restore-log.ts';
import { startKurrentDouble } from '../../support/kurrent-double/kurrent-double.ts';
import { createTestDatabase, newId, type TestDatabase } from '../../support/test-database.ts';
import { createKnownHistory, type KnownHistory } from '../verify/known-history.ts';

let history: KnownHistory;
let to: TestDatabase;
let folder: string;
let lines: string;
beforeAll(async () => {
  history = await createKnownHistory();
  to = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'daybook-mistakes-'));
  await runExport(on(history.db), { file: join(folder, 'log'), after: 0n, filter: {} });
  lines = await readFile(join(folder, 'log'), 'utf8');
});
afterAll(async () => {
  await to.drop();
  await history.db.drop();
  await rm(folder, { recursive: true });
});

const on = ({ directConnectionString }: TestDatabase) => ({
  connectionString: directConnectionString,
  schema: 'daybook',
  print: () => undefined,
  note: () => undefined,
});
const refused = (code: string, message: string | RegExp) => ({
  code,
  message: expect.stringMatching(message) as string,
});

describe('what is no export any more', () => {
  const spoilt: readonly (readonly [string, (text: string) => string | Buffer, RegExp])[] = [
    ['is compressed', gzipSync, /^file is compressed by gzip: .*"gunzip < file" prints\./],
    ['has a byte order mark', (text) => `\uFEFF${text}`, /^file begins with a byte order mark/],
    ['is of UTF-16', (text) => Buffer.from(`\uFEFF${text}`, 'utf16le'), /^file begins with a byte/],
    ['has other line ends', (text) => text.replaceAll('\n', '\r\n'), /^The lines of file end with/],
    ['is empty', () => '', /^file is empty\./],
  ];
  it.each(spoilt)(
    'because it %s is told as that, and nothing is kept',
    async (_, spoil, message) => {
      const file = join(folder, 'file');
      await writeFile(file, spoil(lines));
      for (const mode of ['restore', 'import'] as const) {
        await expect(runRestoreFromFile(on(to), { mode, file })).rejects.toMatchObject(
          refused('source-refused', message),
        );
      }
      await rm(file);
      const { rows } = await to.database.pool.query(
        `select 1 from ${to.schema}.events union all select 1 from ${to.schema}.queues`,
      );
      expect(rows).toEqual([]);
    },
  );

  it('because it is none is told by its name', async () => {
    const restore = (file: string) => runRestoreFromFile(on(to), { mode: 'restore', file });
    const wrong = (message: RegExp) => refused('invalid-options', message);
    await expect(restore(folder)).rejects.toMatchObject(wrong(/ is a folder: name the file/));
    await expect(restore(join(folder, 'no'))).rejects.toMatchObject(
      wrong(/no cannot be used: ENOENT/),
    );
  });

  it('because nothing was ever relayed there is told so', async () => {
    const double = await startKurrentDouble();
    const restored = withKurrentSource({ url: double.url }, undefined, (source) =>
      restoreLog(to.database, source, { mode: 'restore', partitionSpan: 2 ** 16 }),
    );
    await expect(restored).rejects.toMatchObject(refused('source-refused', /^No event of Daybook/));
    await double.stop();
  });

  it('is not asked for twice', async () => {
    const failed: unknown[] = [];
    const { restore } = transferActions(
      () => on(to),
      (error) => failed.push(error),
    );
    await restore('log', { schema: undefined, from: 'kurrentdb', source: undefined });
    expect(failed).toMatchObject([refused('invalid-options', /^--from kurrentdb reads no file/)]);
    expect(process.exitCode).toBe(2);
    process.exitCode = undefined;
  });
});

describe('an export that cannot be', () => {
  const exported = (file: string, filter = {}, db = on(history.db)) =>
    runExport(db, { file: join(folder, file), after: 0n, filter });
  const invalid = (message: RegExp) => refused('invalid-options', message);

  it('leaves no file behind, and the one that was there as it was', async () => {
    await mkdir(join(folder, 'folder'));
    const before = await readdir(folder);
    await writeFile(join(folder, 'kept'), 'kept');
    await expect(exported('folder')).rejects.toMatchObject(invalid(/ is a folder: name a file/));
    await expect(exported('no/where')).rejects.toMatchObject(
      invalid(/where cannot be used: ENOENT/),
    );
    for (const filter of [{ queues: ['none'] }, { jobTypes: ['none'] }, { jobs: [newId()] }]) {
      await expect(exported('kept', filter)).rejects.toMatchObject(
        invalid(/^Nothing in the log fits/),
      );
    }
    expect(await readFile(join(folder, 'kept'), 'utf8')).toBe('kept');
    await rm(join(folder, 'kept'));
    expect(await readdir(folder)).toEqual(before);
  });

  it('because the database lets nobody in is told so', async () => {
    const { directConnectionString: right } = history.db;
    const connectionString = String(Object.assign(new URL(right), { pathname: '/not-there' }));
    const target = { ...on(history.db), connectionString };
    const wrong = refused('database-refused', /database "not-there" does not exist/);
    await expect(exported('file', {}, target)).rejects.toMatchObject(wrong);
    const restored = runRestoreFromFile(target, { mode: 'restore', file: join(folder, 'log') });
    await expect(restored).rejects.toMatchObject(wrong);
  });

  it('because a right is missing is told so', async () => {
    const role = `nobody_${newId().slice(-12)}`;
    const { pool } = history.db.database;
    await pool.query(`create role ${role} login password 'secret'`);
    const address = new URL(history.db.directConnectionString);
    Object.assign(address, { username: role, password: 'secret' });
    const target = { ...on(history.db), connectionString: String(address) };
    const wrong = refused('database-refused', /permission denied/);
    await expect(exported('file', {}, target)).rejects.toMatchObject(wrong);
    await pool.query(`drop role ${role}`);
    expect(await readdir(folder)).not.toContain('file.part');
  });
});
