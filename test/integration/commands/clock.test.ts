import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import type { Statement } from '../../../src/store/statement.ts';
import { completeJobs as completeStatement } from '../../../src/store/statements/complete-jobs.ts';
import { claimOne, load } from '../../support/job-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());
beforeEach(async () => {
  client = await db.connectCaller();
  await client.query('begin');
  // As far from the transaction's start as a clock of whole ms can tell.
  await client.query('select pg_sleep(0.02)');
});

const times = async (id: string) => {
  const { events } = await load(db, id);
  return events.map(({ occurredAtMs }) => occurredAtMs);
};
const expectForward = (all: readonly number[]) =>
  expect(all).toEqual(all.toSorted((a, b) => a - b));

describe('the times of a stream', () => {
  it('run forward through the commands of one transaction', async () => {
    const [job] = await submitJobs(db.context, [{ type: 'x' }], { client });
    const id = job?.id ?? '';
    const change = { kind: 'edit' as const, changes: { priority: 1 }, reason: null };
    for (let round = 0; round < 5; round += 1) {
      await client.query('select pg_sleep(0.002)');
      await changeJobs(db.context, [{ id, command: change }], { client });
    }
    await client.query('commit');
    const all = await times(id);
    expect(new Set(all).size).toBe(6);
    expectForward(all);
  });

  it('run forward where the transaction is older than the claim', async () => {
    const job = await claimOne(db);
    await completeJobs(db.context, [job], { client });
    await client.query('commit');
    expectForward(await times(job.id));
  });

  it('run backward with now(), the time of the transaction', async () => {
    const withNow: Statement<never, unknown> = {
      ...completeStatement,
      name: 'complete with now()',
      sql: (schema) => {
        const greatest =
          /greatest\((date_trunc\('milliseconds', )statement_timestamp\(\)\), c\.claimed_at\)/;
        const text = completeStatement.sql(schema);
        expect(text).toMatch(greatest);
        return text.replace(greatest, '$1now())');
      },
    };
    const { id, leaseToken } = await claimOne(db);
    const row = { id, leaseToken, result: null, resultHash: null, resultBytes: null };
    const statement = withNow as typeof completeStatement;
    await db.database.on(client).run(statement, { tenantId: 1, completions: [row], orRaise: true });
    await client.query('commit');
    const [, claimed = 0, completed = 0] = await times(id);
    expect(completed).toBeLessThan(claimed);
  });

  it('run forward where the database’s clock was set back', async () => {
    const job = await claimOne(db);
    await client.query(
      `update job_claims set claimed_at = claimed_at + interval '1 hour' where id = $1`,
      [job.id],
    );
    await client.query(
      `update event_inbox set occurred_at = occurred_at + interval '1 hour'
       where stream_id = $1 and type = 2`,
      [job.id],
    );
    await client.query('commit');
    await completeJobs(db.context, [job]);
    const all = await times(job.id);
    expect(all).toHaveLength(3);
    expectForward(all);
  });
});
