import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDaybook } from '../../scripts/script-process.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

it('doctor ends with 1 where something is not as expected, and says so to programs', async () => {
  await db.database.pool.query('drop index daybook.job_claims_held');
  const env = { DATABASE_URL: db.connectionString, DATABASE_DIRECT_URL: db.directConnectionString };
  const doctor = startDaybook(['doctor', '--json'], { env });
  expect(await doctor.exited).toBe(1);
  const report = JSON.parse(doctor.stdout) as { verdict: string; findings: { level: string }[] };
  expect(report.verdict).toBe('wrong');
  expect(report.findings.filter(({ level }) => level === 'wrong')).toEqual([
    {
      check: 'schema',
      level: 'wrong',
      subject: 'index job_claims.job_claims_held',
      message: 'index job_claims.job_claims_held is missing',
      expected: expect.stringContaining('CREATE INDEX job_claims_held') as string,
      advice: expect.any(String) as string,
    },
  ]);
});
