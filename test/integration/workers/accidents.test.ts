import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type pg from 'pg';
import { z } from 'zod';
import { type Daybook, defineJob, openDaybook, type Worker } from '../../../src/daybook.ts';
import { sqlState } from '../../../src/store/sqlstate.ts';
import { createFaultyPool, type Passing, postgresError } from '../../support/faulty-pool.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

const closings: (() => Promise<unknown>)[] = [];
let db: TestDatabase;
let client: pg.Client;
/** What becomes of the statements of the worker's process; each test may choose. */
let meddle: (passing: Passing) => Promise<pg.QueryResult>;
let worker: Worker;
let open: () => void;
const started: unknown[] = [];

beforeEach(async () => {
  db = await createTestDatabase();
  closings.push(() => db.drop());
  client = await db.connectCaller();
  meddle = ({ run }) => run();
  started.length = 0;
});
afterEach(async () => {
  for (const close of closings.splice(0).toReversed()) await close();
});

/** A worker that runs one job at a time, and a Daybook that looks on from elsewhere. */
async function startWorker(): Promise<Daybook> {
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const jobs = [
    defineJob({ type: 'quick', payload: z.unknown(), handler: () => undefined }),
    defineJob({
      type: 'held',
      payload: z.unknown(),
      handler: async (payload, { log }) => {
        started.push(payload);
        await gate;
        log('let go');
        return 'finished';
      },
    }),
    defineJob({
      type: 'own-transaction',
      payload: z.unknown(),
      handler: async (_payload, { completeIn }) => {
        await client.query('begin');
        await completeIn(client);
        await client.query('commit');
      },
    }),
  ];
  const pool = createFaultyPool(db, (passing) => meddle(passing));
  closings.push(() => pool.end());
  const process = await openDaybook({ pool, jobs });
  closings.push(() => process.close());
  worker = process.worker({ concurrency: 1, pollMs: 20, beatMs: 200, leaseMs: 60_000 });
  await worker.start();
  const onlooker = await openDaybook({ connectionString: db.connectionString, maintain: false });
  closings.push(() => onlooker.close());
  return onlooker;
}

/** Makes the statement of that name fail so many times. */
function failing(wanted: string, times: number): typeof meddle {
  let left = times;
  return ({ name, run }) => {
    if (name !== wanted || left === 0) return run();
    left -= 1;
    return Promise.reject(postgresError(sqlState.deadlockDetected));
  };
}

/** Lets one job run that stays, and others wait behind it, claimed. Answers those that wait. */
async function fillBuffer(daybook: Daybook): Promise<string[]> {
  // Quick jobs make the worker claim ahead.
  await daybook.submitMany([
    ...Array.from({ length: 500 }, () => ({ type: 'quick' })),
    ...Array.from({ length: 100 }, (_, n) => ({ type: 'held', payload: n })),
  ]);
  await vi.waitFor(() => expect(started).toEqual([0]));
  const { rows } = await client.query<{ id: string }>(
    `select c.id from job_claims c join job_payloads p on p.job_id = c.id
     join job_types t on t.id = c.type_id and t.name = 'held'
     where c.lease_token is not null and p.payload::text <> '0' order by c.id`,
  );
  expect(rows.length).toBeGreaterThan(1);
  return rows.map(({ id }) => id);
}

const livingSessions = async () =>
  (await client.query('select from worker_sessions where ended_at is null')).rowCount;

it.each(['commit-decisions', 'write-notes', 'end-session'])(
  'a worker stops in order although %s fails',
  async (statement) => {
    const daybook = await startWorker();
    const waiting = await fillBuffer(daybook);
    meddle = failing(statement, 1);
    const stopping = worker.stop();
    open();
    await stopping;
    // Before its lease is over, and a caretaker ends it.
    expect(await livingSessions()).toBe(statement === 'end-session' ? 1 : 0);
    const { rows } = await client.query('select from job_claims where lease_token is not null');
    expect(rows).toHaveLength(0);
    for (const id of waiting) {
      const job = await daybook.get(id);
      expect(job?.state).toMatchObject({ status: 'waiting', failures: 0, suspect: false });
    }
    expect(started).toEqual([0]);
  },
);

it('a job that waits claimed is cancelled without being started', async () => {
  const daybook = await startWorker();
  const [id = ''] = await fillBuffer(daybook);
  await daybook.cancel(id, { reason: 'changed my mind' });
  expect(await daybook.waitFor(id)).toMatchObject({ phase: 'cancelled' });
  expect(started).toEqual([0]);
  open();
});

it('a worker goes on and stops when it cannot ask what became of a transaction', async () => {
  const daybook = await startWorker();
  meddle = failing('read-streams', 1);
  for (const type of ['own-transaction', 'own-transaction', 'quick']) {
    const { id } = await daybook.submit({ type });
    expect((await daybook.waitFor(id)).phase).toBe('completed');
  }
  await worker.stop();
  expect(await livingSessions()).toBe(0);
});
