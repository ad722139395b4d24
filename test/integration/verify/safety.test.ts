import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeQueue } from '../../../src/commands/change/change-queue.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { verify } from '../../../src/verify/verify.ts';
import { claim, submitOne } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeEach(async () => {
  db = await createTestDatabase();
});
afterEach(() => db.drop());

/** What the safety check finds in the log of the database. */
async function safety() {
  await sequenceAll(db.database);
  const report = await verify(db.database, { safety: { everyJobEnded: true } });
  if (report.safety === null) throw new Error('it was asked for');
  return report.safety;
}

async function claimAll() {
  return claim(db, await db.openSession());
}

async function completeAll() {
  const jobs = await claimAll();
  await completeJobs(db.context, jobs);
  return jobs.length;
}

const sql = (text: string) => db.database.pool.query(text.replaceAll('$', `${db.schema}.`));

describe('the safety of a real log', () => {
  it('is found in an orderly history, also where the queue was paused', async () => {
    await submitOne(db);
    await changeQueue(db.context, 'default', { kind: 'pause', reason: null });
    await sequenceAll(db.database);
    expect(await completeAll()).toBe(0);
    await changeQueue(db.context, 'default', { kind: 'resume', reason: null });
    expect(await completeAll()).toBe(1);
    expect(await safety()).toMatchObject({ safe: true, facts: { completed: 1, claims: 1 } });
  });

  it('is lost where a pause is not respected', async () => {
    const id = await submitOne(db);
    await changeQueue(db.context, 'default', { kind: 'pause', reason: null });
    await sequenceAll(db.database);
    await submitOne(db, { queue: 'other' });
    await sequenceAll(db.database);
    await sql('update $queues set paused = false');
    await claimAll();
    const { violations } = await safety();
    expect(violations[0]).toMatchObject({ rule: 'claimed-while-paused', streamId: id, version: 2 });
  });

  it('is lost where a job is claimed too early, though its event says run-at', async () => {
    const id = await submitOne(db, { delayMs: 3_600_000 });
    await sql('alter table $job_claims add column due timestamptz');
    await sql("update $job_claims set due = run_at, run_at = run_at - interval '2 hours'");
    // The event is written with the later of its own time and run-at.
    await claimAll();
    await sql('update $event_inbox i set occurred_at = c.due from $job_claims c where type = 2');
    await submitOne(db, { queue: 'other' });
    const { violations } = await safety();
    expect(violations[0]).toMatchObject({ rule: 'claimed-early', streamId: id, version: 2 });
  });

  it('is lost where two live jobs hold a unique key', async () => {
    await submitOne(db, { uniqueKey: 'k' });
    await sql('drop index $job_claims_unique_key');
    await sql('update $job_claims set unique_key = null');
    await sql(
      'create unique index on $job_claims (tenant_id, unique_key) where unique_key is not null',
    );
    const second = await submitOne(db, { uniqueKey: 'k' });
    const { violations } = await safety();
    expect(violations[0]).toMatchObject({ rule: 'unique-key-twice', streamId: second });
  });
});
