import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKnownHistory, type KnownHistory } from './known-history.ts';

let history: KnownHistory;
beforeEach(async () => {
  history = await createKnownHistory();
});
afterEach(() => history.db.drop());

describe('an untouched database', () => {
  it('is equal, and the report says what was looked at', async () => {
    expect(await history.verify()).toEqual({
      equal: true,
      differences: [],
      counts: {},
      checked: {
        position: '14',
        events: 14,
        batches: 1,
        jobs: 5,
        queues: 1,
        claimRows: 2,
        deadRows: 1,
        payloadRows: 5,
        readModels: [
          { name: 'job-status', table: 'job_status', rows: 5 },
          // The log has not come to its first landmark.
          { name: 'job-status', table: 'job_spans', rows: 0 },
          { name: 'queue-counters', table: 'queue_counters', rows: 1 },
          { name: 'queue-counters', table: 'queue_counter_snapshots', rows: 0 },
          // A minute, an hour and a day of one queue and type.
          { name: 'job-metrics', table: 'job_metrics', rows: 3 },
          { name: 'failure-groups', table: 'failure_groups', rows: 1 },
        ],
      },
      safety: null,
      tookMs: expect.any(Number),
    });
  });
});

describe('a claim row', () => {
  it.each([
    ['priority', '9', 4, 9],
    ['failures', '1', 0, 1],
    ['tags', "'{c}'", ['a', 'b'], ['c']],
    ['retry_policy', `'{"kind":"custom"}'`, null, { kind: 'custom' }],
    ['suspect', 'true', false, true],
    ['unique_key', 'null', 'only', null],
  ])('with another %s', async (column, sql, expected, found) => {
    const { waiting: key } = history.jobs;
    await history.tamper(`update job_claims set ${column} = ${sql} where id = $1`, [key]);
    const values = Object.fromEntries(
      Object.entries({ expected, found }).filter(([, value]) => value !== null),
    );
    expect(await history.differences()).toEqual([
      { kind: 'column-differs', table: 'job_claims', key, column, ...values },
    ]);
  });

  it('whose time is a microsecond off', async () => {
    const { waiting: key } = history.jobs;
    await history.tamper(
      "update job_claims set run_at = run_at + interval '1 microsecond' where id = $1",
      [key],
    );
    const [difference, ...more] = await history.differences();
    expect(more).toEqual([]);
    expect(difference).toMatchObject({ kind: 'column-differs', column: 'run_at', key });
    expect(Number(difference?.found) - Number(difference?.expected)).toBeCloseTo(0.001, 3);
  });

  it('with another lease', async () => {
    const { running: key } = history.jobs;
    await history.tamper('update job_claims set lease_token = $2 where id = $1', [key, key]);
    const [difference, ...more] = await history.differences();
    expect(more).toEqual([]);
    expect(difference).toMatchObject({ column: 'lease_token', key, found: key });
  });

  it('that is missing', async () => {
    const { running: key } = history.jobs;
    await history.tamper('delete from job_claims where id = $1', [key]);
    const [difference, ...more] = await history.differences();
    expect(more).toEqual([]);
    expect(difference).toMatchObject({ kind: 'row-missing', table: 'job_claims', key });
    expect(difference?.expected).toMatchObject({ id: key, version: 2 });
  });

  it('of a job that has ended', async () => {
    const { waiting, completed: key } = history.jobs;
    await history.tamper(
      `insert into job_claims (id, run_at, submitted_at, queue_id, type_id, tenant_id, version,
         payload_bytes, max_attempts, priority)
       select $2, run_at, submitted_at, queue_id, type_id, tenant_id, version, payload_bytes,
         max_attempts, priority from job_claims where id = $1`,
      [waiting, key],
    );
    const [difference, ...more] = await history.differences();
    expect(more).toEqual([]);
    expect(difference).toMatchObject({ kind: 'row-extra', table: 'job_claims', key });
  });

  it('of a job that nobody submitted', async () => {
    const key = 'fffffff0-0000-7000-8000-000000000000';
    await history.tamper('update job_claims set id = $2, unique_key = null where id = $1', [
      history.jobs.waiting,
      key,
    ]);
    expect(await history.differences()).toMatchObject([
      { kind: 'row-missing', table: 'job_claims', key: history.jobs.waiting },
      { kind: 'row-extra', table: 'job_claims', key, found: { version: 1 } },
    ]);
  });
});

describe('another table', () => {
  it('without a dead job', async () => {
    const { dead: key } = history.jobs;
    await history.tamper('delete from dead_jobs where job_id = $1', [key]);
    const [difference, ...more] = await history.differences();
    expect(more).toEqual([]);
    expect(difference).toMatchObject({ kind: 'row-missing', table: 'dead_jobs', key });
  });

  it('with a dead job that was changed', async () => {
    const { dead: key } = history.jobs;
    await history.tamper('update dead_jobs set max_attempts = 3');
    expect(await history.differences()).toEqual([
      {
        kind: 'column-differs',
        table: 'dead_jobs',
        key,
        column: 'max_attempts',
        expected: 2,
        found: 3,
      },
    ]);
  });

  it('with another payload, and one without', async () => {
    const { waiting, running } = history.jobs;
    await history.tamper(`update job_payloads set payload = '{}' where job_id = $1`, [waiting]);
    await history.tamper('update job_payloads set payload = null where job_id = $1', [running]);
    expect((await history.differences()).toSorted(byColumn)).toMatchObject([
      { table: 'job_payloads', key: running, column: 'has_payload', expected: true, found: false },
      { table: 'job_payloads', key: waiting, column: 'payload', expected: expect.any(String) },
    ]);
  });

  it('with another result', async () => {
    const { completed: key } = history.jobs;
    await history.tamper(`update job_payloads set result = '43' where job_id = $1`, [key]);
    expect(await history.differences()).toMatchObject([
      { kind: 'column-differs', table: 'job_payloads', key, column: 'result' },
    ]);
  });

  it('with a queue that runs although it was paused', async () => {
    await history.tamper('update queues set paused = false');
    expect(await history.differences()).toEqual([
      {
        kind: 'column-differs',
        table: 'queues',
        key: history.queue,
        column: 'paused',
        expected: true,
        found: false,
      },
    ]);
  });

  it('with a batch at another time', async () => {
    await history.tamper(`insert into log_batches values (7, now() + interval '1 day')`);
    const differences = await history.differences();
    // By this map events are put into the buckets of metrics.
    expect(differences.filter(({ table }) => table !== 'job_metrics')).toMatchObject([
      { kind: 'batch-wrong', table: 'log_batches', key: '14', column: 'recorded_at' },
    ]);
  });
});

describe('a read model', () => {
  it('with another counter', async () => {
    await history.tamper('update queue_counters set dead = 7');
    const [{ queue_id: id }] = (await history.tamper('select * from queue_counters')).rows;
    expect(await history.differences()).toEqual([
      {
        kind: 'column-differs',
        table: 'queue_counters',
        key: String(id),
        column: 'dead',
        expected: 1,
        found: 7,
      },
    ]);
  });

  it('with another column of a job, a job too few and one too many', async () => {
    const { dead, running, waiting } = history.jobs;
    const extra = 'fffffff0-0000-7000-8000-000000000000';
    await history.tamper(`update job_status set error_name = 'None' where job_id = $1`, [dead]);
    await history.tamper('delete from job_status where job_id = $1', [running]);
    await history.tamper(
      `insert into job_status (job_id, run_at, submitted_at, position, since_position, version, tenant_id,
         queue_id, type_id, status, priority, failures, max_attempts, retrying)
       select $2, run_at, submitted_at, position, since_position, version, tenant_id, queue_id, type_id, status,
         priority, failures, max_attempts, retrying from job_status where job_id = $1`,
      [waiting, extra],
    );
    const table = 'job_status';
    expect(await history.differences()).toMatchObject([
      { kind: 'column-differs', table, key: dead, column: 'error_name', expected: 'Error' },
      { kind: 'row-missing', table, key: running, expected: { status: 2 } },
      { kind: 'row-extra', table, key: extra },
    ]);
  });

  it('with another bucket, and another group of failures', async () => {
    await history.tamper("update job_metrics set wait = '{9}' where minutes = 60");
    await history.tamper('update failure_groups set dead = 0');
    expect(await history.differences()).toMatchObject([
      { kind: 'column-differs', table: 'job_metrics', column: 'wait', found: [9] },
      { kind: 'column-differs', table: 'failure_groups', column: 'dead', expected: '1' },
    ]);
  });

  it('that is behind is compared with the log up to where it is', async () => {
    await history.tamper('delete from job_status');
    await history.tamper(`update consumer_checkpoints set position = 0 where name = 'job-status'`);
    expect(await history.differences()).toEqual([]);
  });
});

function byColumn(a: { column?: unknown }, b: { column?: unknown }): number {
  return String(a.column) < String(b.column) ? -1 : 1;
}
