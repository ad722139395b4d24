import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import { sqlState } from '../../../src/store/sqlstate.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ sequencer: true });
  await submitJobs(db.context, [{ type: 'x' }, { type: 'x' }]);
});
afterAll(() => db.drop());

describe('the log', () => {
  const rows = async () => (await db.database.pool.query(`select * from ${db.schema}.events`)).rows;

  it.each([
    'update events set data = null',
    'update events set position = position + 1000',
    'update events_0 set data = null where position = 1',
    'delete from events',
    'delete from events_0 where position = 1',
    'truncate events',
    'truncate events_0',
  ])('refuses %s', async (sql) => {
    await expectSoon(async () => (await rows()).length).toBe(3);
    const client = await db.connect();
    const before = await rows();
    await expect(client.query(sql)).rejects.toMatchObject({ code: sqlState.logIsImmutable });
    expect(await rows()).toEqual(before);
  });
});
