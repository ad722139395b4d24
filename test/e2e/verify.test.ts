import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDaybook } from '../../scripts/script-process.ts';
import { createKnownHistory, type KnownHistory } from '../integration/verify/known-history.ts';

let history: KnownHistory;
beforeAll(async () => {
  history = await createKnownHistory();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await history.db.drop();
});

const folder = mkdtempSync(join(tmpdir(), 'daybook-records-'));

/** A file in which a client says that the submission of a job was acknowledged. */
function recordFile(jobId: string): string {
  const path = join(folder, jobId);
  writeFileSync(path, `${JSON.stringify({ kind: 'submitted', jobId })}\n`);
  return path;
}

/** Runs `daybook` to its end. */
async function run(args: readonly string[], url = history.db.connectionString) {
  const daybook = startDaybook(args, { env: { DATABASE_URL: url } });
  const code = await daybook.exited;
  return { code, output: daybook.output, stdout: daybook.stdout };
}

it('verify and rebuild: 0 for equal, 1 for a difference, 2 where nothing can be said', async () => {
  const known = recordFile(history.jobs.dead);
  const equal = await run(['verify', '--records', known]);
  expect(equal).toMatchObject({ code: 0, output: expect.stringContaining('Equal:') });
  expect(equal.output).toContain('Safe: no rule is broken.');
  expect(equal.output).toMatch(/claim rows +2\n/);

  await history.tamper('update job_claims set priority = 9 where id = $1', [history.jobs.waiting]);
  const differs = await run(['verify']);
  expect(differs.code).toBe(1);
  expect(differs.output).toContain(
    `column-differs: job_claims ${history.jobs.waiting} priority: expected 4, found 9`,
  );
  const json = await run(['verify', '--json', '--no-bodies']);
  expect([json.code, JSON.parse(json.stdout).counts]).toEqual([1, { 'column-differs': 1 }]);

  await history.tamper('drop table job_claims, dead_jobs');
  const broken = await run(['verify']);
  expect(broken).toMatchObject({ code: 2, output: expect.stringContaining('[migration-needed]') });
  const rebuilt = await run(['rebuild', 'claims']);
  expect(rebuilt).toMatchObject({
    code: 0,
    output: expect.stringContaining('from 14 events: 2 claim rows, 1 dead jobs.'),
  });
  const lost = '0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11';
  const unsafe = await run(['verify', '--records', known, recordFile(lost), '--ended']);
  expect(unsafe.code).toBe(1);
  expect(unsafe.output).toContain('Equal: the tables are what the log says.');
  expect(unsafe.output).toContain(`submission-missing: ${lost}: it was acknowledged`);
  expect(unsafe.output).toContain(`job-not-ended: ${history.jobs.running} version 2`);
});

it.each([
  ['a flag that does not exist', ['verify', '--fast'], undefined, /unknown option/],
  ['no database', ['verify'], '', /DATABASE_URL is not set/],
  [
    'a database that does not answer',
    ['verify'],
    'postgres://127.0.0.1:1/x',
    /database-unavailable/,
  ],
  ['a schema that is not there', ['verify', '--schema', 'nowhere'], undefined, /migration-needed/],
])('verify ends with 2 for %s', async (_, args, url, message) => {
  const { code, output } = await run(args, url);
  expect(output).toMatch(message);
  expect(output).not.toMatch(/\n\s+at /);
  expect(code).toBe(2);
});
