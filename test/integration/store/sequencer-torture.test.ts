import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { changeJobs } from '../../../src/commands/change/change-jobs.ts';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import { submitJobs } from '../../../src/commands/submit/submit-jobs.ts';
import { readLog } from '../../../src/store/statements/read-log.ts';
import type { EventRow } from '../../../src/store/statements/read-streams.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { claim } from '../../support/job-steps.ts';
import { expectOrder, wholeLog } from '../../support/log-steps.ts';
import {
  createTestDatabase,
  type TestDatabase,
  type TestProcess,
} from '../../support/test-database.ts';
import { callWitness, nameOf, type Witness } from '../../support/witness.ts';

/** Writing goes on until the log holds so many. */
const EVENTS = 30_000;

let db: TestDatabase;
let others: TestProcess[];
let witness: Witness;
beforeAll(async () => {
  db = await createTestDatabase({ partitionSpan: 2 ** 13, poolSize: 12 });
  others = [await db.anotherProcess(), await db.anotherProcess()];
  witness = await callWitness(db);
});
afterAll(() => db.drop());

it('moves every committed event exactly once, in order, and hides none from a tailing reader', async () => {
  const processes = [db, ...others];
  const writing = new AbortController();
  const during = async (work: () => Promise<unknown>) => {
    while (!writing.signal.aborted) await work();
  };
  const rolls = (share: number) => Math.random() < share;
  const oneOf = <Item>(items: readonly Item[]) =>
    items[Math.floor(Math.random() * items.length)] as Item;

  const submitInTransaction = async () => {
    const { context, database } = oneOf(processes);
    const client = await database.pool.connect();
    try {
      await client.query('begin');
      for (let calls = oneOf([1, 1, 3]); calls > 0; calls -= 1) {
        await submitJobs(
          context,
          Array.from({ length: oneOf([1, 5, 40]) }, () => ({ type: 'x' })),
          {
            client,
          },
        );
      }
      // Held open for up to 300 ms, a few of them.
      if (rolls(0.2)) await client.query('select pg_sleep($1)', [Math.random() * 0.3]);
      await client.query(rolls(0.13) ? 'rollback' : 'commit');
    } finally {
      client.release();
    }
  };
  const changeAndRun = async () => {
    const { context } = oneOf(processes);
    const session = await db.openSession();
    const [first] = await submitJobs(context, [{ type: 'x' }, { type: 'x' }]);
    const command = { kind: 'edit' as const, changes: { priority: 3 }, reason: null };
    await changeJobs(context, [{ id: first?.id ?? '', command }]);
    const claimed = await claim(db, session, { limit: oneOf([5, 50, 300]) });
    await completeJobs(context, claimed);
  };
  const seen: EventRow[] = [];
  const tail = async () => {
    const afterPosition = seen.at(-1)?.position ?? 0n;
    const page = await db.database.run(readLog, { afterPosition, limit: 1_000 });
    seen.push(...page);
    if (page.length === 0) await pause(1);
  };

  await db.startSequencer();
  // Two at once for most of the time: the duty is taken from its holder again and again.
  await others[0]?.startSequencer();
  const stealDuty = async () => {
    await db.database.pool.query(`delete from ${db.schema}.duties`);
    await pause(20);
  };
  const writers = [
    ...Array.from({ length: 12 }, () => during(submitInTransaction)),
    ...Array.from({ length: 5 }, () => during(changeAndRun)),
    during(stealDuty),
  ];
  const reading = new AbortController();
  const reader = (async () => {
    while (!reading.signal.aborted) await tail();
  })();
  await expect.poll(() => seen.length, { timeout: 240_000 }).toBeGreaterThan(EVENTS);
  writing.abort();
  await Promise.all(writers);

  const { pool } = db.database;
  const left = async () => {
    const { rows } = await pool.query<{ count: number }>(
      `select count(*)::int as count from ${db.schema}.event_inbox`,
    );
    return rows[0]?.count;
  };
  await expectSoon(left).toBe(0);
  const log = await wholeLog(db.database);
  await expectSoon(() => seen.length).toBe(log.length);
  reading.abort();
  await reader;

  expectOrder(log);
  expectOrder(seen);
  const committed = (await witness.all()).map(nameOf);
  expect(log.map(nameOf).toSorted()).toEqual(committed.toSorted());
}, 300_000);
