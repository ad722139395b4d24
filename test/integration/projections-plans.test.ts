import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PositionRange } from '../../src/consumers/consumer.ts';
import { prepareReadModels } from '../support/read-models.ts';
import type { Client } from '../../src/store/database.ts';
import { createReadModelReader } from '../../src/consumers/reading/read-model-reader.ts';
import { listBuilds } from '../../src/consumers/statements/list-builds.ts';
import type { Executor } from '../../src/store/statement.ts';
import { stopPostgres15, versionsUnderTest } from '../support/postgres-servers.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

afterAll(() => stopPostgres15());

/** A node of a plan, as EXPLAIN (FORMAT JSON) tells it. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** A probe of the log, and not of a read model. */
function isOfEvents(node: PlanNode | undefined): node is PlanNode {
  return node?.['Node Type'] === 'Limit' && JSON.stringify(node).includes('"events_0"');
}

/** What is run for each row, without what only keeps or renames its answer. */
function probeWithin(node: PlanNode | undefined): PlanNode | undefined {
  const wrapped = ['Memoize', 'Subquery Scan'].includes(node?.['Node Type'] ?? '');
  return wrapped ? probeWithin(node?.Plans?.[0]) : node;
}

describe.each(versionsUnderTest())('the plans of projections on Postgres %i', (postgres) => {
  let db: TestDatabase;
  let client: pg.Client;

  beforeAll(async () => {
    db = await createTestDatabase({ postgres });
    client = await db.connect();
    await prepareReadModels(db.database);
    await db.context.names.queueIds(['mail']);
    await db.context.names.typeIds(['send']);
    await client.query('alter table events_0 set (autovacuum_enabled = off)');
    await client.query('alter table job_status_1 set (autovacuum_enabled = off)');
    await client.query('alter table log_batches set (autovacuum_enabled = off)');
  });
  afterAll(() => db.drop());

  /** 20,000 jobs: submitted, claimed, one in ten failed and half of those dead, the others completed. */
  const fill = () =>
    client.query(`
      insert into events (position, occurred_at, stream_id, version, queue_id, job_type_id,
        epoch, type, schema_version, elapsed_ms, data)
      select (v - 1) * 20000 + n, now(), lpad(to_hex(n), 32, '0')::uuid, v, 1, 1, 1,
        case when v < 3 then v when n % 10 = 0 then 4 else 3 end, 1,
        case when v > 1 then n end,
        case when v = 1 then '{"type": "send", "priority": 4, "maxAttempts": 3}'::jsonb
             when v = 3 then '{"attempt": 1, "error": {"name": "E", "message": "m"}}' end
      from generate_series(1, 20000) n, generate_series(1, 3) v
      union all
      select 60000 + n, now(), lpad(to_hex(n * 20), 32, '0')::uuid, 4, 1, 1, 1, 6, 1, null, null
      from generate_series(1, 1000) n;
      insert into log_batches (last_position, recorded_at)
      select n * 50, '2026-11-22T09:30:00Z'::timestamptz + n * interval '100 ms'
      from generate_series(1, 1220) n`);
  const empty = async () => {
    await client.query('drop trigger if exists log_is_kept on events_0');
    await client.query(`
      truncate log_batches, events_0, job_status_1, queue_counters_1, job_metrics_1,
        failure_groups_1, job_spans_1, queue_counter_snapshots_1`);
  };

  /** Applies a range and gives every node of every plan. */
  async function nodesOf(range: PositionRange): Promise<PlanNode[]> {
    const nodes: PlanNode[] = [];
    const visit = (node: PlanNode): void => {
      nodes.push(node);
      for (const child of node.Plans ?? []) visit(child);
    };
    const explaining: Executor = {
      async run(statement, params) {
        const text = `explain (analyze, format json) ${statement.sql(db.schema)}`;
        const explained = await client.query(text, [...statement.values(params)]);
        visit(explained.rows[0]['QUERY PLAN'][0].Plan as PlanNode);
        return [];
      },
    };
    await client.query('begin');
    const mode = { replaying: false, busyMs: 0 };
    for (const build of await db.database.run(listBuilds, { name: null })) {
      const unused = client as unknown as Client;
      await createReadModelReader(build).apply({ tx: explaining, client: unused }, range, mode);
    }
    await client.query('commit');
    return nodes;
  }

  const beliefs: Record<string, () => Promise<void>> = {
    'knows the log': async () => {
      await fill();
      await client.query('analyze events, log_batches, job_status_1');
    },
    'believes the log to be empty': async () => {
      await client.query('analyze events, log_batches, job_status_1');
      await fill();
    },
    'believes the newest events not to be there yet': async () => {
      await fill();
      await client.query('delete from pg_statistic where starelid = $1::regclass', ['events_0']);
    },
  };

  describe.each(Object.entries(beliefs))('where the planner %s', (_belief, prepare) => {
    beforeEach(async () => {
      await empty();
      await prepare();
    });

    it('hash what is long, and find single jobs by their index', async () => {
      const nodes = [
        ...(await nodesOf({ after: 0n, upTo: 20_000n })),
        ...(await nodesOf({ after: 20_000n, upTo: 61_000n })),
      ];
      const loops = nodes.filter((node) => node['Node Type'] === 'Nested Loop');
      // The probe of a job that was there before, and the events of a minute; anything else would be a
      // loop over a loop.
      const probes = loops.map(({ Plans: [, inner] = [] }) => probeWithin(inner));
      expect(new Set(probes.map((node) => node?.['Node Type']))).toEqual(
        new Set(['Limit', 'Aggregate']),
      );
      const scans = nodes.filter((node) => node['Node Type'] === 'Seq Scan');
      // At a landmark, to see in which queues something was counted: one row per queue.
      const small = new Set(['queue_counters_1']);
      expect(scans.filter((node) => !small.has(node['Relation Name'] ?? ''))).toEqual([]);
      // In the order of an index for a join, and thrown away row by row.
      const whole = nodes.filter(
        (node) => node['Node Type'].startsWith('Index') && node['Index Cond'] === undefined,
      );
      expect(
        whole.filter((node) => node['Relation Name']?.startsWith('job_status') === true),
      ).toEqual([]);
      // What is mostly not there is not looked for in the whole range: two ranges, three statements.
      const told = nodes.filter((node) => node['Index Name'] === 'events_0_told');
      expect(told.length).toBeGreaterThanOrEqual(6);
      // The failure before a death: found by its stream, not among the positions around it.
      const deaths = probes.filter((node) => isOfEvents(node));
      expect(deaths).toHaveLength(2);
      for (const node of deaths)
        expect(JSON.stringify(node)).toMatch(/"Index Name":"events_0_stream/);
      const { rows } = await client.query(
        'select status, count(*)::int from job_status_1 group by status order by status',
      );
      expect(rows).toEqual([
        { status: 1, count: 1_000 },
        { status: 3, count: 18_000 },
        { status: 4, count: 1_000 },
      ]);
    });
  });
});
