import { afterAll, beforeAll, expect, it } from 'vitest';
import { readLogLines } from '../../../src/commands/read/read-gauges.ts';
import { writeNotes } from '../../../src/store/statements/write-notes.ts';
import { submitOne } from '../../support/job-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const write = (jobId: string, ...lines: string[]) =>
  db.database.run(writeNotes, { notes: [{ jobId, progress: null, lines }] });

it('the log of a job ends at 100,000 lines, whatever the number of its runs', async () => {
  const [full, other] = [await submitOne(db), await submitOne(db)];
  await db.database.pool.query(
    `insert into ${db.schema}.job_logs (job_id, line, logged_at, message)
     values ($1, 99997, now(), 'of earlier runs')`,
    [full],
  );
  await write(full, 'last but one', 'last', 'beyond');
  await write(full, 'beyond, too');
  await write(other, 'first');
  const kept = await readLogLines(db.context, full, -1, 10);
  expect(kept.map(({ line, message }) => [line, message])).toEqual([
    [99_997, 'of earlier runs'],
    [99_998, 'last but one'],
    [99_999, 'last'],
  ]);
  expect(await readLogLines(db.context, other, -1, 10)).toHaveLength(1);
});
