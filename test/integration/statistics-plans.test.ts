import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listFailureGroups } from '../../src/projections/failure-groups/queries.ts';
import { readMetrics, readQueueRates } from '../../src/projections/job-metrics/queries.ts';
import type { Executor } from '../../src/store/statement.ts';
import { stopPostgres15, versionsUnderTest } from '../support/postgres-servers.ts';
import { prepareReadModels } from '../support/read-models.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

afterAll(() => stopPostgres15());

/** A node of a plan, as EXPLAIN (ANALYZE, FORMAT JSON) tells it. */
interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

const beginMs = Date.UTC(2026, 0, 5);
const hourMs = 3_600_000;

describe.each(versionsUnderTest())('reading statistics on Postgres %i', (postgres) => {
  let db: TestDatabase;
  let client: pg.Client;
  let queueIds: number[];

  /** A day of minutes of 20 queues and 3 types, and 50,000 groups of failures. */
  const fill = async () => {
    await client.query(
      `insert into job_metrics_1
       select to_timestamp($1::float8 / 1000) + n * interval '1 minute', 1, q, t,
         0, 1, 1, 0, 0, 0, 0, 0, '{1,2,3}', '{4,5}'
       from generate_series(0, 1439) n, unnest($2::int[]) q, generate_series(1, 3) t`,
      [beginMs, queueIds],
    );
    await client.query(
      `insert into failure_groups_1
       select md5(n::text)::uuid, 1, 1, $2::int, now(), to_timestamp($1::float8 / 1000 + n), n, 1, 0,
         md5(n::text)::uuid, 'E', 'm'
       from generate_series(1, 50000) n`,
      [beginMs, queueIds[0]],
    );
  };

  /** How many rows of a table were read for it. */
  async function rowsRead(table: string, read: (executor: Executor) => Promise<unknown>) {
    let rows = 0;
    const visit = (node: PlanNode): void => {
      if (node['Relation Name'] === table) {
        const each = node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0);
        rows += node['Actual Loops'] * each;
      }
      for (const child of node.Plans ?? []) visit(child);
    };
    await read({
      async run(statement, params) {
        const text = `explain (analyze, format json) ${statement.sql(db.schema)}`;
        const explained = await client.query(text, [...statement.values(params)]);
        visit(explained.rows[0]['QUERY PLAN'][0].Plan as PlanNode);
        return [];
      },
    });
    return Math.round(rows);
  }

  const range = {
    tenantId: 1,
    step: 'minute',
    byQueue: true,
    byType: false,
    maxRows: 10_000,
  } as const;
  const hour = { ...range, fromMs: beginMs + 9 * hourMs, toMs: beginMs + 10 * hourMs };

  beforeAll(async () => {
    db = await createTestDatabase({ postgres });
    client = await db.connect();
    await prepareReadModels(db.database);
    const names = Array.from({ length: 20 }, (_, index) => `queue-${index}`);
    const ids = await db.context.names.queueIds(names);
    queueIds = names.map((name) => ids.get(name) ?? 0);
    await db.context.names.typeIds(['a', 'b', 'c']);
    await client.query('alter table job_metrics_1 set (autovacuum_enabled = off)');
    await client.query('alter table failure_groups_1 set (autovacuum_enabled = off)');
  });
  afterAll(() => db.drop());

  const beliefs = {
    'the planner knows the tables': async () => {
      await fill();
      await client.query('analyze job_metrics_1, failure_groups_1');
    },
    'the planner believes the tables to be empty': async () => {
      await client.query('analyze job_metrics_1, failure_groups_1');
      await fill();
    },
  };

  describe.each(Object.entries(beliefs))('when %s', (_belief, prepare) => {
    beforeAll(async () => {
      await client.query('truncate job_metrics_1, failure_groups_1');
      await prepare();
    });

    it('touches the buckets that are asked for, and no others', async () => {
      const read = (executor: Executor) => readMetrics(executor, hour);
      expect(await rowsRead('job_metrics_1', read)).toBe(20 * 60 * 3);
      const [queueId] = queueIds;
      const readOne = (executor: Executor) => readMetrics(executor, { ...hour, queueId });
      expect(await rowsRead('job_metrics_1', readOne)).toBe(60 * 3);
    });

    it('stops once there are too many', async () => {
      const day = { ...hour, fromMs: beginMs, toMs: beginMs + 24 * hourMs, maxRows: 1_000 };
      const read = (executor: Executor) => readMetrics(executor, day);
      expect(await rowsRead('job_metrics_1', read)).toBeLessThanOrEqual(1_001);
      expect(await readMetrics(db.database, day)).toBeNull();
      expect(await readMetrics(db.database, { ...hour, maxRows: 3_600 })).toHaveLength(20 * 60);
    });

    it('looks only at the last minutes for rates', async () => {
      const read = (executor: Executor) => readQueueRates(executor, 1, queueIds);
      expect(await rowsRead('job_metrics_1', read)).toBe(0);
    });

    it('reads a page of failures, wherever it begins', async () => {
      const cursor = { lastSeenMs: beginMs + 25_000_000, fingerprint: 'f'.repeat(32) };
      for (const page of [{}, { cursor }]) {
        const filter = { ...page, tenantId: 1, limit: 50 };
        const read = (executor: Executor) => listFailureGroups(executor, filter);
        expect(await rowsRead('failure_groups_1', read)).toBe(51);
      }
    });
  });
});
