import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadJobs } from '../../../src/commands/read/load-jobs.ts';
import { readJob } from '../../../src/commands/read/read-job.ts';
import type { Database } from '../../../src/store/database.ts';
import { codeOf, sqlState } from '../../../src/store/sqlstate.ts';
import { sequenceInbox } from '../../../src/store/statements/sequence-inbox.ts';
import { addPartition } from '../../../src/store/statements/add-partition.ts';
import { readHead } from '../../../src/store/statements/read-head.ts';
import { readStreams } from '../../../src/store/statements/read-streams.ts';
import { visitedPartitions } from '../../support/query-plans.ts';
import { submitOne } from '../../support/job-steps.ts';
import { createTestDatabase, newId, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const sequence = async () => {
  const [head] = await db.database.run(readHead, {});
  await db.database.run(sequenceInbox, { tick: head?.tick ?? 0n, limit: 100, channel: 'nobody' });
};
const found = async (table: 'events' | 'event_inbox', id: string) => {
  const { rowCount } = await db.database.pool.query(
    `select from ${db.schema}.${table} where stream_id = $1`,
    [id],
  );
  return rowCount ?? 0;
};

describe('one job', () => {
  it('is missed by two statements between which it moves, and never by one (R)', async () => {
    const id = await submitOne(db, {});
    const read = async () => (await loadJobs(db.database, 1, [id])).has(id);
    const inLog = await found('events', id);
    expect(await read()).toBe(true);
    await sequence();
    const inInbox = await found('event_inbox', id);
    expect([inLog, inInbox]).toEqual([0, 0]);
    expect(await read()).toBe(true);
  });
});

it('reads one job with its bodies in one statement', async () => {
  const payload = { n: 1, text: '€"' };
  const id = await submitOne(db, { payload });
  const asked: string[] = [];
  const database: Database = {
    ...db.database,
    run(statement, params) {
      asked.push(statement.name);
      return db.database.run(statement, params);
    },
  };
  const context = { ...db.context, database };
  for (const place of ['inbox', 'log']) {
    const job = await readJob(context, id);
    expect({ place, payload: job?.payload, result: job?.result, progress: job?.progress }).toEqual({
      place,
      payload,
      result: null,
      progress: null,
    });
    await sequence();
  }
  expect(await readJob(context, newId())).toBeNull();
  expect(asked).toEqual(['read-job', 'read-job', 'read-job']);
});

describe('the stream of a job', () => {
  it('is looked for in no partition from before its birth (R)', async () => {
    const { database, schema } = db;
    const [head] = await database.run(readHead, {});
    const span = head?.span ?? 0n;
    for (let k = 0n; k < 12n; k += 1n) await database.run(addPartition, { k, span });
    // A log that was ten partitions long before.
    const long = 10n * span + 1n;
    await database.pool.query(`update ${schema}.log_head set position = $1`, [long]);
    await database.pool.query(
      `insert into ${schema}.log_batches (last_position, recorded_at)
       values ($1, now() - interval '2 minutes')`,
      [long],
    );
    const id = await submitOne(db, {});
    await sequence();
    const { rows } = await database.pool.query<{ 'QUERY PLAN': unknown }>(
      `explain (analyze, format json) ${readStreams.sql(schema)}`,
      [...readStreams.values({ tenantId: 1, jobIds: [id] })],
    );
    expect(visitedPartitions(rows[0]?.['QUERY PLAN']).toSorted()).toEqual([
      'events_10',
      'events_11',
    ]);
    expect((await loadJobs(database, 1, [id])).has(id)).toBe(true);
  });
});

describe('a new partition', () => {
  it('does not wait for readers of the log, as CREATE TABLE ... PARTITION OF does (R)', async () => {
    const reader = await db.connect();
    await reader.query('begin');
    await reader.query('select count(*) from events');
    const maker = await db.connect();
    await maker.query("set lock_timeout = '200ms'");
    const span = 2n ** 16n;
    const [attached] = await db.database.on(maker).run(addPartition, { k: 900n, span });
    expect(attached?.made).toBe(true);
    const from = 901n * span + 1n;
    const code = await maker
      .query(
        `create table events_901 partition of events for values from (${from}) to (${from + span})`,
      )
      .then(
        () => 'made',
        (error: unknown) => codeOf(error),
      );
    expect(code).toBe(sqlState.lockNotAvailable);
    await reader.query('rollback');
  });
});
