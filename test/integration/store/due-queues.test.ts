import { afterAll, beforeAll, expect, it } from 'vitest';
import { findDueQueues } from '../../../src/store/statements/find-due-queues.ts';
import { claim, submitOne } from '../../support/job-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** Which of some queues have due jobs, as `name` or `name suspect`. */
async function due(names: readonly string[], tenantId = 1): Promise<string[]> {
  const ids = await db.context.names.queueIds(names);
  const queueIds = names.map((name) => ids.get(name) ?? 0);
  const rows = await db.database.run(findDueQueues, { tenantId, queueIds });
  const nameOf = new Map([...ids].map(([name, id]) => [id, name]));
  return rows
    .map(({ queue_id: id, suspect }) => `${nameOf.get(id)}${suspect ? ' suspect' : ''}`)
    .toSorted();
}

it('are those in which a job waits whose time has come', async () => {
  await submitOne(db, { queue: 'now' });
  await submitOne(db, { queue: 'last', priority: 9 });
  await submitOne(db, { queue: 'last', priority: 0, delayMs: 60_000 });
  await submitOne(db, { queue: 'later', delayMs: 60_000 });
  await submitOne(db, { queue: 'taken' });
  await claim(db, await db.openSession(), { queue: 'taken' });
  expect(await due(['empty', 'now', 'last', 'later', 'taken'])).toEqual(['last', 'now']);
  expect(await due(['empty', 'last'])).toEqual(['last']);
});

it('tell suspects apart, for they are claimed apart', async () => {
  await submitOne(db, { queue: 'strange' });
  await submitOne(db, { queue: 'both' });
  const ids = [await submitOne(db, { queue: 'both' })];
  const strange = `update ${db.schema}.job_claims set suspect = true
    where id = any ($1) or queue_id = $2`;
  await db.database.pool.query(strange, [ids, await db.context.names.queueId('strange')]);
  expect(await due(['strange', 'both'])).toEqual(['both', 'both suspect', 'strange suspect']);
});

it('are no paused ones, and no other tenant’s', async () => {
  await submitOne(db, { queue: 'paused' });
  expect(await due(['paused'])).toEqual(['paused']);
  expect(await due(['paused'], 2)).toEqual([]);
  await db.database.pool.query(
    `update ${db.schema}.queues set paused = true where name = 'paused'`,
  );
  expect(await due(['paused'])).toEqual([]);
});
