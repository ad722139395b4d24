import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDaybook } from '../../scripts/script-process.ts';
import { createKnownHistory, type KnownHistory } from '../integration/verify/known-history.ts';

let history: KnownHistory;
beforeAll(async () => {
  history = await createKnownHistory();
});
afterAll(() => history.db.drop());

/** Runs `daybook` to its end. */
async function run(args: readonly string[], url = history.db.connectionString) {
  const daybook = startDaybook(args, { env: { DATABASE_URL: url } });
  const code = await daybook.exited;
  return { code, output: daybook.output };
}

it('verify and rebuild: 0 for equal, 1 for a difference, 2 where nothing can be said', async () => {
  const equal = await run(['verify']);
  expect(equal).toMatchObject({ code: 0, output: expect.stringContaining('Equal:') });
  expect(equal.output).toMatch(/claim rows +2\n/);

  await history.tamper('update job_claims set priority = 9 where id = $1', [history.jobs.waiting]);
  const differs = await run(['verify']);
  expect(differs.code).toBe(1);
  expect(differs.output).toContain(
    `column-differs: job_claims ${history.jobs.waiting} priority: expected 4, found 9`,
  );
  const json = await run(['verify', '--json', '--no-bodies']);
  expect([json.code, JSON.parse(json.output).counts]).toEqual([1, { 'column-differs': 1 }]);

  await history.tamper('drop table job_claims, dead_jobs');
  const broken = await run(['verify']);
  expect(broken).toMatchObject({ code: 2, output: expect.stringContaining('[migration-needed]') });
  const rebuilt = await run(['rebuild', 'claims']);
  expect(rebuilt).toMatchObject({
    code: 0,
    output: expect.stringContaining('from 14 events: 2 claim rows, 1 dead jobs.'),
  });
  expect((await run(['verify'])).code).toBe(0);
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
