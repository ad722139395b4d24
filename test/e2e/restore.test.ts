import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDaybook } from '../../scripts/script-process.ts';
import { defineJob, openDaybook } from '../../src/daybook.ts';
import { drain } from '../../src/testing.ts';
import { z } from 'zod';
import { expectSoon } from '../support/expect-soon.ts';
import { openTestDaybook, type TestDaybook } from '../support/open-daybook.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

const mailer = defineJob({
  type: 'mail',
  payload: z.object({ to: z.string() }),
  handler: ({ to }) => Promise.resolve(`sent to ${to}`),
});

let folder: string;
let from: TestDaybook;
let to: TestDatabase;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daybook-restore-'));
  from = await openTestDaybook({ jobs: [mailer] });
  const jobs = Array.from({ length: 200 }, (_, index) => ({
    type: 'mail',
    payload: { to: `person ${index}` },
  }));
  await from.submitMany(jobs.slice(0, 20));
  await drain(from);
  await from.submitMany(jobs.slice(20));
  to = await createTestDatabase();
});
afterAll(async () => {
  await to.drop();
  await from.close();
  await rm(folder, { recursive: true });
});

async function run(
  url: string,
  ...args: string[]
): Promise<{ code: number | null; output: string }> {
  const command = startDaybook(args, { env: { DATABASE_URL: url, DATABASE_DIRECT_URL: url } });
  const code = await command.exited;
  return { code, output: command.output };
}

it('exports to a file, is killed half-way through a restore, begins again, and works on', async () => {
  const { pool } = from.context.database;
  await expectSoon(async () => (await pool.query('select from daybook.events')).rows.length).toBe(
    241,
  );
  const file = join(folder, 'log.ndjson');
  const exported = await run(from.db.directConnectionString, 'export', file);
  expect(exported).toMatchObject({ code: 0 });
  expect(exported.output).toMatch(/Exported 241 events in \d/);
  expect(await readdir(folder)).toEqual(['log.ndjson']);
  const text = await readFile(file, 'utf8');
  const lines: string[] = [];
  for await (const line of from.exportLog()) lines.push(line);
  expect(lines.slice(1, -1)).toEqual(text.split('\n').slice(1, -2));

  const address = to.directConnectionString;
  await killHalfWay(address, text);
  const again = await run(address, 'restore', '--from', 'ndjson', file);
  expect(again.output).toMatch(/Kept 241 events from log\.ndjson/);
  expect(again.output).toMatch(/Equal: |equal/i);
  expect(again.code).toBe(0);

  const restored = await openDaybook({ connectionString: address, jobs: [mailer] });
  expect(await drain(restored)).toMatchObject({ complete: 180 });
  await restored.close();
  const refused = await run(address, 'restore', join(folder, 'none'));
  expect(refused.code).toBe(2);
  expect(refused.output).toContain('none cannot be used');
});

/** Feeds half of an export to a restore that is killed as soon as it holds the log. */
async function killHalfWay(address: string, text: string): Promise<void> {
  const runner = fileURLToPath(new URL('../../scripts/run.mjs', import.meta.url));
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  const child = spawn(process.execPath, [runner, main, 'restore', '-'], {
    env: { ...process.env, DATABASE_URL: address, DATABASE_DIRECT_URL: address },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.write(text.slice(0, text.length / 2));
  const held = async () => {
    const { rows } = await to.database.pool.query(
      `select from pg_locks where relation = 'daybook.log_head'::regclass and mode = 'ExclusiveLock'`,
    );
    return rows.length;
  };
  await expectSoon(held).toBe(1);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await expectSoon(held).toBe(0);
  const { rows } = await to.database.pool.query('select from daybook.events');
  expect(rows).toEqual([]);
}
