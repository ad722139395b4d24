import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planForProbes } from '../../src/consumers/statements/plan-for-probes.ts';
import { jobsAt, longestAt } from '../../src/projections/job-spans/queries.ts';
import { readQueueCountersAt } from '../../src/projections/queue-counters/queries.ts';
import type { Database } from '../../src/store/database.ts';
import type { Executor } from '../../src/store/statement.ts';
import { stopPostgres15, versionsUnderTest } from '../support/postgres-servers.ts';
import { prepareReadModels } from '../support/read-models.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

afterAll(() => stopPostgres15());

const LANDMARK = 100 * 16_384;
const MOMENT = BigInt(LANDMARK + 16_000);
const tables = ['job_status_1', 'job_spans_1', 'queue_counter_snapshots_1', 'events_0'];

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** Rows that a reading touched, by table; and the tables it read from front to end. */
interface Reading {
  readonly rows: Record<string, number>;
  readonly scanned: string[];
}

describe.each(versionsUnderTest())('the plans of the past, on Postgres %i,', (postgres) => {
  let db: TestDatabase;
  let client: pg.Client;

  beforeAll(async () => {
    db = await createTestDatabase({ postgres, partitionSpan: 2 ** 24 });
    client = await db.connect();
    await prepareReadModels(db.database);
    await db.context.names.queueIds(['a', 'b', 'c']);
    await client.query('update log_head set position = $1', [200 * 16_384]);
    for (const table of tables) {
      await client.query(`alter table ${table} set (autovacuum_enabled = off)`);
    }
    await client.query('drop trigger events_are_immutable on events');
  });
  afterAll(() => db.drop());

  const empty = async () => {
    for (const table of tables) await client.query(`delete from ${table}`);
    await client.query(`vacuum ${tables.join(', ')}`);
  };

  /**
   * 200,000 ended spans, one of them every 16 positions, each tenth of them 16 times as long as those
   * before; 100,000 jobs; snapshots at 200 landmarks; and what moved between landmark and moment.
   */
  const fill = async () => {
    await client.query(`
      insert into job_spans_1 (job_id, from_position, to_position, queue_id, status, size_class)
      select md5('span' || n)::uuid, n * 16, n * 16 + (1 << size) * 16384 + 1, 1 + n % 3, 1 + n % 2, size
      from (select n, case when n % 100 = 0 then 4 when n % 10 = 0 then 2 else 0 end as size
            from generate_series(1, 200000) n) spans`);
    await client.query(`
      insert into job_status_1 (job_id, tenant_id, queue_id, type_id, status, retrying, run_at,
        submitted_at, priority, failures, max_attempts, position, since_position, version)
      select md5('job' || n)::uuid, 1, 1 + n % 3, 1, case when n % 1000 = 0 then 2 when n % 3 = 0 then 1
          else 3 end, false, now(), now(), 4, 0, 10, n * 32, n * 32, 3
      from generate_series(1, 100000) n`);
    await client.query(`
      insert into events (position, occurred_at, stream_id, version, queue_id, epoch, type,
        schema_version)
      select ${LANDMARK} + n, now(), md5('job' || n + 30000)::uuid, 3, 1 + n % 3, 1, 1 + n % 3, 1
      from generate_series(1, 16383) n`);
    await client.query(`
      insert into queue_counter_snapshots_1
      select q, n * 16384, n, n, n, n, n, n, n, n, n, n
      from generate_series(1, 3) q, generate_series(1, 200) n`);
  };

  const beliefs: Record<string, () => Promise<void>> = {
    'knows the tables': async () => {
      await empty();
      await fill();
      await client.query(`analyze ${tables.join(', ')}`);
    },
    'believes the tables to be empty': async () => {
      await empty();
      await client.query(`analyze ${tables.join(', ')}`);
      await fill();
    },
    'knows nothing of the tables': async () => {
      await client.query(`
        delete from pg_statistic where starelid in
          (select oid from pg_class where relname = any ('{${tables.join(',')}}'))`);
    },
  };

  /** Explains what is read, in the transaction and with the settings that it would have. */
  async function readingOf(read: (database: Database) => Promise<unknown>): Promise<Reading> {
    const reading: Reading = { rows: {}, scanned: [] };
    const visit = (node: PlanNode): void => {
      const { 'Relation Name': table = '', 'Node Type': way } = node;
      if (tables.includes(table)) {
        const removed =
          (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
        const rows = node['Actual Loops'] * (node['Actual Rows'] + removed);
        reading.rows[table] = Math.round((reading.rows[table] ?? 0) + rows);
        if (way === 'Seq Scan') reading.scanned.push(table);
      }
      for (const child of node.Plans ?? []) visit(child);
    };
    const explaining: Executor = {
      async run(statement, params) {
        const text = statement.sql(db.schema);
        const values = [...statement.values(params)];
        if (statement.name === planForProbes.name) await client.query(text, values);
        else {
          const explained = await client.query(`explain (analyze, format json) ${text}`, values);
          visit(explained.rows[0]['QUERY PLAN'][0].Plan as PlanNode);
        }
        return [];
      },
    };
    await client.query('begin');
    const transaction = (work: (tx: Executor) => Promise<unknown>) => work(explaining);
    await read({ transaction } as unknown as Database);
    await client.query('commit');
    return reading;
  }

  const ids = {
    from: '00000000-0000-0000-0000-000000000000',
    below: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
  };
  const filter = { tenantId: 1, position: MOMENT, limit: 51, ...ids };
  const position = MOMENT;

  describe.each(Object.entries(beliefs))('where the planner %s', (_belief, prepare) => {
    beforeAll(prepare);

    it('a list reads the spans that hold the landmark, and hardly any other', async () => {
      const { rows: held } = await client.query(
        `select count(*)::int from job_spans_1 where queue_id = 1 and status = 1
           and from_position <= ${LANDMARK} and to_position > ${LANDMARK}`,
      );
      const { rows, scanned } = await readingOf((database) =>
        jobsAt(database, { ...filter, statuses: ['waiting'], queueId: 1 }),
      );
      expect(scanned).toEqual([]);
      expect(held[0].count).toBeGreaterThan(200);
      // Of the longer classes up to half of what is read may not hold it.
      expect(rows['job_spans_1']).toBeGreaterThanOrEqual(held[0].count);
      expect(rows['job_spans_1']).toBeLessThan(2.2 * held[0].count);
      expect(rows['events_0']).toBe(16_000);
      // A page, and those of the present that came there later.
      expect(rows['job_status_1']).toBeLessThan(5_000);
    });

    it('the job that waited longest is found by one probe per class', async () => {
      const { rows, scanned } = await readingOf((database) =>
        longestAt(database, 'waiting', { position, queueIds: [1, 2, 3], limit: 1 }),
      );
      expect(scanned).toEqual([]);
      expect(rows['job_status_1']).toBeLessThanOrEqual(3);
      // Up to the first of a class that holds the landmark: what begins a span's length before it.
      expect(rows['job_spans_1']).toBeLessThan(20_000);
      expect(rows['events_0']).toBe(16_000);
    });

    it('the running ones are those of now and then', async () => {
      const { rows, scanned } = await readingOf((database) =>
        longestAt(database, 'running', { position, queueIds: [1], limit: 100 }),
      );
      expect(scanned).toEqual([]);
      expect(rows['job_status_1']).toBeLessThanOrEqual(100);
    });

    it('counters read one snapshot per queue, and the log since', async () => {
      const { rows, scanned } = await readingOf((database) =>
        readQueueCountersAt(database, { position, queueIds: [1, 2, 3] }),
      );
      expect(scanned).toEqual([]);
      expect(rows).toEqual({ queue_counter_snapshots_1: 3, events_0: 16_000 });
    });
  });
});
