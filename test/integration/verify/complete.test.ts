import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folds } from '../../../src/projections/folds.ts';
import { projections } from '../../../src/projections/registry.ts';
import type { FoldedRow, RowFold } from '../../../src/projections/row-fold.ts';
import type { Database } from '../../../src/store/database.ts';
import { readClaimRows, readDeadRows } from '../../../src/store/statements/verify/read-job-rows.ts';
import { createNameDirectory } from '../../../src/verify/name-directory.ts';
import { createFindings } from '../../../src/verify/report.ts';
import { firstId, lastId } from '../../../src/verify/stream-pages.ts';
import { verify } from '../../../src/verify/verify.ts';
import { passStreams } from '../../../src/verify/streams/stream-pass.ts';
import { rowsFromState } from '../../support/claim-rows.ts';
import { load } from '../../support/job-steps.ts';
import { createKnownHistory, type KnownHistory } from './known-history.ts';

let history: KnownHistory;
beforeAll(async () => {
  // The past is kept at landmarks: two of them lie between the events.
  history = await createKnownHistory(3_001);
});
afterAll(() => history.db.drop());

const everything = { after: firstId, upTo: lastId };

async function columnsOf(table: string): Promise<string[]> {
  const { rows } = await history.tamper(
    `select attname from pg_attribute where attrelid = $1::regclass and attnum > 0
       and not attisdropped order by 1`,
    [table],
  );
  return rows.map(({ attname }) => attname);
}

const names = (row: object | undefined | null) => Object.keys(row ?? {}).toSorted();

function storedRows(database: Database, fold: RowFold): Promise<FoldedRow[]> {
  const last = 2n ** 63n - 1n;
  switch (fold.scope) {
    case 'job':
      return fold.read(database, everything);
    case 'settled':
      return fold.page(database, { after: null, upTo: last, limit: 10 });
    case 'log':
      return fold.read(database);
    case 'landmark':
      return fold.read(database, { after: 0n, upTo: last });
  }
}

/** What tells a row of a read model from others: part of its key, and so compared as well. */
const keys: Readonly<Record<string, readonly string[]>> = {
  job_status: ['job_id'],
  queue_counters: ['queue_id'],
  queue_counter_snapshots: ['queue_id', 'position'],
  job_metrics: ['minutes', 'bucket', 'queue_id', 'job_type_id'],
  failure_groups: ['tenant_id', 'fingerprint'],
};

describe('every column is compared', () => {
  it('of the claim table, but for the fleeting one', async () => {
    const { db, jobs } = history;
    const { claim } = await rowsFromState(db.context.names, (await load(db, jobs.running)).state);
    const columns = await columnsOf('job_claims');
    expect(names(claim)).toEqual(columns.filter((column) => column !== 'start_marked'));
    const [row] = await db.database.run(readClaimRows, everything);
    expect(names(row)).toEqual(names(claim));
  });

  it('of the dead jobs', async () => {
    const { db, jobs } = history;
    const { dead } = await rowsFromState(db.context.names, (await load(db, jobs.dead)).state);
    const columns = (await columnsOf('dead_jobs')).map((name) => name.replace(/^job_id$/, 'id'));
    expect(names(dead)).toEqual(columns.toSorted());
    const [row] = await db.database.run(readDeadRows, everything);
    expect(names(row)).toEqual(names(dead));
  });

  it.each(folds.map((fold) => [fold.table, fold] as const))('of %s', async (table, fold) => {
    const { database } = history.db;
    const rows = await storedRows(database, fold);
    const columns = (await columnsOf(table)).filter((column) => !keys[table]?.includes(column));
    expect(names(rows[0]?.columns)).toEqual(columns);
  });

  it('of every table of every read model', () => {
    const kept = projections.flatMap(({ name, tables }) =>
      tables.map((table) => `${table.name} of ${name}`),
    );
    expect(folds.map(({ name, table }) => `${table} of ${name}`).toSorted()).toEqual(
      kept.toSorted(),
    );
  });
});

describe('chunks', () => {
  const pass = async (sizes: { chunkRows: number; chunkEvents: number; pageSize: number }) => {
    const findings = createFindings(100);
    const counts = await passStreams({
      ...sizes,
      database: history.db.database,
      findings,
      directory: createNameDirectory(),
      models: folds.filter((fold) => fold.scope === 'job' || fold.scope === 'settled'),
      bodies: true,
      position: 14n * 3_001n,
      signal: undefined,
      onProgress: () => undefined,
    });
    return { counts, differences: findings.kept };
  };
  const sizes = [
    { chunkRows: 1, chunkEvents: 100, pageSize: 100 },
    { chunkRows: 2, chunkEvents: 100, pageSize: 1 },
    { chunkRows: 100, chunkEvents: 1, pageSize: 100 },
    { chunkRows: 100, chunkEvents: 3, pageSize: 2 },
  ];

  it.each(sizes)('of any size say the same: %o', async (size) => {
    const whole = await pass({ chunkRows: 100, chunkEvents: 100, pageSize: 100 });
    expect(whole.counts.events).toBe(14);
    expect(await pass(size)).toEqual(whole);
    expect(whole.differences).toEqual([]);
  });

  it.each(sizes)('of any size find a row that is too many once: %o', async (size) => {
    const extra = [history.jobs.completed, history.jobs.cancelled, lastId].map((id, index) => [
      id,
      index,
    ]);
    for (const [id, version] of extra) {
      await history.tamper(
        `insert into job_claims (id, run_at, submitted_at, queue_id, type_id, tenant_id, version,
           payload_bytes, max_attempts, priority)
         values ($1, now(), now(), 1, 1, 1, $2, 1, 1, 1)`,
        [id, version],
      );
    }
    const { differences } = await pass(size);
    await history.tamper('delete from job_claims where priority = 1');
    const found = differences.map(({ kind, key }) => `${kind} ${key}`);
    expect(found.toSorted()).toEqual(extra.map(([id]) => `row-extra ${id}`).toSorted());
  });
});

it('a run holds no snapshot for longer than a chunk takes', async () => {
  const { database } = history.db;
  let transactions = 0;
  const counting: typeof database = {
    ...database,
    transaction: (work) => {
      transactions += 1;
      return database.transaction(work);
    },
    get patient() {
      return counting;
    },
  };
  const { checked } = await verify(counting, { chunkRows: 1 });
  expect(checked.jobs).toBe(5);
  // One for the end of the log, one for each job, one for the last chunk, one to count the spans.
  expect(transactions).toBeGreaterThanOrEqual(8);
});

it('a run that is ended says so', async () => {
  const controller = new AbortController();
  const run = verify(history.db.database, {
    signal: controller.signal,
    chunkRows: 1,
    onProgress: () => controller.abort(),
  });
  await expect(run).rejects.toMatchObject({ code: 'aborted' });
});
