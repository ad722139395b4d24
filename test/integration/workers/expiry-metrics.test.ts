import { afterAll, beforeAll, expect, it } from 'vitest';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { markStart } from '../../../src/store/statements/mark-start.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createTelemetry } from '../../../src/telemetry/telemetry.ts';
import { createCaretaker } from '../../../src/workers/caretaker.ts';
import { claim, expire, lapse, load, submitMany, submitOne } from '../../support/job-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** A suspect is claimed alone and marks its start; the session that holds it is answered. */
async function holdSuspect(queue: string): Promise<string> {
  const session = await db.openSession();
  const [job] = await claim(db, session, { queue, suspects: true });
  if (job === undefined) throw new Error('There is no suspect.');
  await db.database.run(markStart, { tenantId: 1, jobId: job.id, leaseToken: job.leaseToken });
  return session;
}

it('counts jobs that end because their workers died as dead and as cancelled', async () => {
  // One that crashes its worker again and again, up to the last time.
  const guilty = await submitOne(db, { queue: 'guilty', type: 'crash' });
  const first = await db.openSession();
  await claim(db, first, { queue: 'guilty' });
  await lapse(db, first);
  await expire(db);
  for (let crash = 1; crash < 5; crash += 1) {
    await lapse(db, await holdSuspect('guilty'));
    expect(await expire(db)).toBe(1);
  }
  const last = await holdSuspect('guilty');
  // Two that were to be cancelled while they ran, and one that only ran.
  const [one = '', two = ''] = await submitMany(db, 3, { queue: 'wanted', type: 'slow' });
  const session = await db.openSession();
  await claim(db, session, { queue: 'wanted' });
  const command = { kind: 'cancel' as const, reason: null };
  await changeJobs(db.context, [
    { id: one, command },
    { id: two, command },
  ]);

  const stream = { write: () => true };
  const telemetry = createTelemetry({ version: '1', logger: createLogger({ stream }) });
  const context = { ...db.context, observer: telemetry.observer };
  const caretaker = createCaretaker({ context, clock: systemClock, expiryMs: 20 });
  await lapse(db, last, session);
  await caretaker.start();
  const text = () => telemetry.metricsText();
  await expect.poll(text).toContain('daybook_lease_expired_total 4');
  await caretaker.stop();

  expect((await load(db, guilty)).state.status).toBe('dead');
  expect((await load(db, one)).state.status).toBe('cancelled');
  const lines = (await text())
    .split('\n')
    .filter((line) => /^daybook_job(s_|_run_.*count)/.test(line));
  expect(lines).toEqual([
    'daybook_jobs_dead_total{queue="guilty",type="crash"} 1',
    'daybook_jobs_cancelled_total{queue="wanted",type="slow"} 2',
  ]);
});
