import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { completeJobs } from '../../../src/commands/work/complete-jobs.ts';
import type { VerifyReport } from '../../../src/verify/report.ts';
import { verify } from '../../../src/verify/verify.ts';
import { claim, submitMany } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { prepareReadModels } from '../../support/read-models.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';
import { project, projectAll } from './known-history.ts';

/** The first one: 2^14. */
const landmark = 16_384;
/** Jobs that completed after it. */
const completed = 60;

let db: TestDatabase;
let client: pg.Client;
/** While the read models stood at the landmark. */
let atLandmark: VerifyReport;

/** A log without a hole: some jobs wait, and others run, while it passes the landmark. */
beforeAll(async () => {
  db = await createTestDatabase();
  await prepareReadModels(db.database);
  await submitMany(db, 10, { queue: 'other' });
  await submitMany(db, 9_000);
  const session = await db.openSession();
  const first = await claim(db, session);
  for (let round = 0; round < 6; round += 1) await claim(db, session);
  await claim(db, session, { limit: 440 });
  const done = first
    .slice(0, completed)
    .map(({ id, leaseToken }) => ({ id, leaseToken, result: null }));
  await completeJobs(db.context, done);
  await sequenceAll(db.database);
  await project(db, { after: 0n, upTo: BigInt(landmark) });
  atLandmark = await verify(db.database);
  await projectAll(db, BigInt(landmark));
  client = await db.connect();
  await client.query('create temp table spans_before as select * from job_spans');
  await client.query('create temp table counts_before as select * from queue_counter_snapshots');
});
afterAll(() => db.drop());

afterEach(async () => {
  await client.query('delete from job_spans');
  await client.query('insert into job_spans select * from spans_before');
  await client.query('delete from queue_counter_snapshots');
  await client.query('insert into queue_counter_snapshots select * from counts_before');
});

async function differences(chunkRows = 2_000) {
  return (await verify(db.database, { chunkRows })).differences;
}

interface Span {
  readonly job_id: string;
  readonly from_position: string;
  readonly to_position: string;
  readonly queue_id: number;
  readonly status: number;
  readonly size_class: number;
}

async function aSpan(): Promise<Span> {
  const { rows } = await client.query<Span>(
    'select * from job_spans order by from_position offset 50 limit 1',
  );
  if (rows[0] === undefined) throw new Error('There are spans.');
  return rows[0];
}

const keyOf = (span: Span) =>
  `${span.job_id} queue ${span.queue_id} status ${span.status} class ${span.size_class} from ${span.from_position}`;

it('nothing differs before', async () => {
  const { equal, checked } = await verify(db.database);
  expect(equal).toBe(true);
  const { position, readModels } = checked;
  const waitedAtLandmark = Number(position) - completed - landmark;
  expect(readModels).toMatchObject([
    { table: 'job_status' },
    { name: 'job-status', table: 'job_spans', rows: waitedAtLandmark + completed },
    { table: 'queue_counters' },
    { name: 'queue-counters', table: 'queue_counter_snapshots', rows: 2 },
    { table: 'job_metrics' },
    { table: 'failure_groups' },
  ]);
});

it('nothing differs while the read models stand at the landmark', () => {
  expect(atLandmark.differences).toEqual([]);
  const rows = new Map(atLandmark.checked.readModels.map(({ table, rows: some }) => [table, some]));
  expect(rows.get('queue_counter_snapshots')).toBe(2);
  // Nobody has left yet where he stood.
  expect(rows.get('job_spans')).toBe(0);
});

describe('a span', () => {
  const table = 'job_spans';
  const none = '0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11';

  it.each([
    ['to_position', 'to_position + 1', (span: Span) => String(Number(span.to_position) + 1)],
    ['job_id', `'${none}'`, () => none],
  ])('with another %s', async (column, sql, found) => {
    const span = await aSpan();
    await client.query(`update job_spans set ${column} = ${sql} where from_position = $1`, [
      span.from_position,
    ]);
    expect(await differences()).toMatchObject([
      {
        kind: 'column-differs',
        table,
        key: keyOf(span),
        column,
        expected: span[column as keyof Span],
        found: found(span),
      },
    ]);
  });

  it.each(['queue_id', 'status', 'size_class', 'from_position'] as const)(
    'with another %s, by which it would be found',
    async (column) => {
      const span = await aSpan();
      const changed = { ...span, [column]: Number(span[column]) + 1 };
      await client.query(
        `update job_spans set ${column} = ${column} + 1 where job_id = $1 and from_position = $2`,
        [span.job_id, span.from_position],
      );
      expect(await differences()).toMatchObject([
        { kind: 'row-missing', table, key: keyOf(span), expected: { job_id: span.job_id } },
        { kind: 'row-extra', table, key: keyOf(changed), found: { job_id: span.job_id } },
      ]);
    },
  );

  it('that is missing', async () => {
    const span = await aSpan();
    await client.query('delete from job_spans where from_position = $1', [span.from_position]);
    expect(await differences()).toMatchObject([{ kind: 'row-missing', table, key: keyOf(span) }]);
  });

  it('that is there twice, or stands for nothing that happened', async () => {
    const span = await aSpan();
    await client.query('insert into job_spans select * from job_spans where from_position = $1', [
      span.from_position,
    ]);
    await client.query(
      'insert into job_spans select $1, 7, $2, queue_id, 5, 0 from job_spans limit 1',
      [none, landmark + 5],
    );
    const found = await differences(100);
    expect(found.map(({ kind }) => kind)).toEqual(['row-extra', 'row-extra']);
    const unknown = { ...span, job_id: none, from_position: '7', status: 5, size_class: 0 };
    expect(found.map(({ key }) => key)).toEqual([keyOf(span), keyOf(unknown)]);
  });

  it('of which many are missing: all are counted', async () => {
    const { rowCount } = await client.query('delete from job_spans where status = 1');
    const { counts } = await verify(db.database);
    expect(rowCount).toBeGreaterThan(50);
    expect(counts).toEqual({ 'row-missing': rowCount });
  });
});

describe('a snapshot of counters', () => {
  const table = 'queue_counter_snapshots';
  const keyAt = async (queue: string) => {
    const { rows } = await client.query('select id from queues where name = $1', [queue]);
    return `${rows[0].id} at ${landmark}`;
  };

  it('with another number', async () => {
    await client.query('update queue_counter_snapshots set started = 0 where started > 0');
    expect(await differences()).toMatchObject([
      {
        kind: 'column-differs',
        table,
        key: await keyAt('default'),
        column: 'started',
        expected: landmark - 9_000 - 10 - 2,
        found: 0,
      },
    ]);
  });

  it('that is missing, and one of a landmark that is none', async () => {
    const key = await keyAt('other');
    const id = key.split(' ')[0];
    await client.query('delete from queue_counter_snapshots where queue_id = $1', [id]);
    await client.query(
      'update queue_counter_snapshots set position = position - 1 where queue_id <> $1',
      [id],
    );
    const moved = await keyAt('default');
    expect(await differences()).toMatchObject([
      { kind: 'row-missing', table, key },
      { kind: 'row-missing', table, key: moved },
      { kind: 'row-extra', table, key: moved.replace('16384', '16383') },
    ]);
  });

  it.each([
    ['of a queue that there is not', 'queue_id + 1000, position'],
    ['of a landmark to come', 'queue_id, position * 2'],
    ['of a place before all', 'queue_id, -position'],
  ])('too many, %s', async (_, key) => {
    await client.query(
      `insert into queue_counter_snapshots
       select ${key}, waiting, running, completed, dead, cancelled, submitted, started, failed,
         retried, interrupted
       from queue_counter_snapshots where started > 0`,
    );
    expect(await differences()).toMatchObject([{ kind: 'row-extra', table }]);
  });
});
