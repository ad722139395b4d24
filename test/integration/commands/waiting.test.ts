import { afterAll, beforeAll, expect, it } from 'vitest';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { createJobWatch } from '../../../src/commands/read/job-watch.ts';
import { waitForJob } from '../../../src/commands/read/read-job.ts';
import type { WriteContext } from '../../../src/commands/write-context.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { DaybookError } from '../../../src/kernel/errors.ts';
import type { Statement } from '../../../src/store/statement.ts';
import type { WakeTopic } from '../../../src/store/wake-up.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { submitMany, submitOne } from '../../support/job-steps.ts';
import { createTestDatabase, newId, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** A context of which is known how often it reads streams, and how many listen for hints. */
function watched() {
  const seen = { reads: 0, listeners: 0, fails: false };
  const database = {
    ...db.database,
    async run<Params, Row>(statement: Statement<Params, Row>, params: Params): Promise<Row[]> {
      if (statement.name !== 'read-streams') return db.database.run(statement, params);
      seen.reads += 1;
      if (seen.fails) throw new DaybookError('database-unavailable', 'gone');
      return db.database.run(statement, params);
    },
  };
  const heard = new Set<() => void>();
  const wakeUp = {
    ...db.context.wakeUp,
    on(_topic: WakeTopic, listener: () => void) {
      seen.listeners += 1;
      heard.add(listener);
      return () => {
        seen.listeners -= 1;
        heard.delete(listener);
      };
    },
  };
  const jobWatch = createJobWatch({ database, tenantId: 1, wakeUp, clock: systemClock });
  const context: WriteContext = { ...db.context, database, wakeUp, jobWatch };
  const hint = () => {
    for (const listener of heard) listener();
  };
  const wait = (id: string, timeoutMs = 60_000, signal?: AbortSignal) =>
    waitForJob(context, id, { timeoutMs, signal, clock: systemClock });
  return { seen, hint, wait };
}

const cancel = (ids: readonly string[]) =>
  changeJobs(
    db.context,
    ids.map((id) => ({ id, command: { kind: 'cancel', reason: null } })),
  );

it('shares the reads of all that wait', async () => {
  const { seen, hint, wait } = watched();
  const ids = await submitMany(db, 100, { delayMs: 3_600_000 });
  const waiting = Promise.all(ids.map((id) => wait(id)));
  await expectSoon(() => seen.reads).toBeGreaterThanOrEqual(100);
  const before = seen.reads;
  for (let round = 1; round <= 5; round += 1) {
    const reads = seen.reads;
    hint();
    await expectSoon(() => seen.reads).toBeGreaterThan(reads);
  }
  await cancel(ids);
  hint();
  const jobs = await waiting;
  expect(jobs.map((job) => job?.state.id)).toEqual(ids);
  expect(new Set(jobs.map((job) => job?.phase))).toEqual(new Set(['cancelled']));
  expect(seen.reads - before).toBeLessThan(50);
  await expectSoon(() => seen.listeners).toBe(0);
});

it('leaves no listener behind when the reading fails, at first or later', async () => {
  const { seen, hint, wait } = watched();
  const id = await submitOne(db, { delayMs: 3_600_000 });
  const waiting = [wait(id), wait(id)].map((each) => each.catch((error: unknown) => error));
  await expectSoon(() => seen.reads).toBeGreaterThanOrEqual(2);
  seen.fails = true;
  hint();
  await expect(wait(id)).rejects.toMatchObject({ code: 'database-unavailable' });
  for (const error of await Promise.all(waiting)) {
    expect(error).toMatchObject({ code: 'database-unavailable' });
  }
  await expectSoon(() => seen.listeners).toBe(0);
});

it('answers the job as it is when its time is over, or its caller goes', async () => {
  const { seen, wait } = watched();
  const id = await submitOne(db, { delayMs: 3_600_000 });
  expect((await wait(id, 5))?.phase).toBe('scheduled');
  expect((await wait(id, 60_000, AbortSignal.abort()))?.phase).toBe('scheduled');
  expect(await wait(newId(), 60_000)).toBeNull();
  await expectSoon(() => seen.listeners).toBe(0);
});

it('needs no hint', async () => {
  const { seen, wait } = watched();
  const id = (await submitOne(db, { delayMs: 3_600_000 })).toUpperCase();
  const waiting = wait(id);
  await expectSoon(() => seen.reads).toBeGreaterThanOrEqual(1);
  await cancel([id]);
  expect((await waiting)?.phase).toBe('cancelled');
});
