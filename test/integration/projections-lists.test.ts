import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { prepareReadModels } from '../support/read-models.ts';
import type { JobPhase, JobStatus } from '../../src/domain/job/state.ts';
import { phaseOf } from '../../src/domain/job/state.ts';
import type { JobFilter } from '../../src/projections/job-status/job-filter.ts';
import { listJobs, type ListedJob } from '../../src/projections/job-status/queries.ts';
import { statusCodes } from '../../src/projections/job-status/status-codes.ts';
import { readQueueCounters } from '../../src/projections/queue-counters/queries.ts';
import type { Executor } from '../../src/store/statement.ts';
import { stopPostgres15, versionsUnderTest } from '../support/postgres-servers.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

const statuses = Object.keys(statusCodes) as JobStatus[];
const queueNames = ['mail', 'reports', 'thumbnails'];
const typeNames = ['send', 'render'];
const startMs = Date.UTC(2026, 0, 1);
const hour = 3_600_000;

afterAll(() => stopPostgres15());

let db: TestDatabase;
let client: pg.Client;
let queueIds: number[];
let typeIds: number[];

interface Row {
  readonly id: string;
  readonly tenantId: number;
  readonly queueId: number;
  readonly typeId: number;
  readonly status: JobStatus;
  readonly retrying: boolean;
  readonly runAtMs: number;
  readonly submittedAtMs: number;
  readonly error: { readonly name: string; readonly message: string } | null;
  readonly tags: readonly string[];
}

async function insert(rows: readonly Row[]): Promise<void> {
  await client.query(
    `insert into job_status_1 (job_id, tenant_id, queue_id, type_id, status, retrying, run_at,
       submitted_at, error_name, error_message, error_fingerprint, tags, priority, failures, max_attempts, position,
       since_position, version)
     select id, "tenantId", "queueId", "typeId", ($2::jsonb -> status)::smallint, retrying,
       to_timestamp("runAtMs" / 1000), to_timestamp("submittedAtMs" / 1000),
       error ->> 'name', error ->> 'message', md5(error ->> 'name')::uuid,
       array(select jsonb_array_elements_text(tags)), 4, 0, 10, 1, 1, 1
     from jsonb_to_recordset($1::jsonb) as r (id uuid, "tenantId" int, "queueId" int, "typeId" int,
       status text, retrying boolean, "runAtMs" float8, "submittedAtMs" float8, error jsonb,
       tags jsonb)`,
    [JSON.stringify(rows), JSON.stringify(statusCodes)],
  );
}

/** A UUIDv7 of a time: submitted at that time by a process whose clock is right. */
function idOf(ms: number, index: number): string {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${index.toString(16).padStart(12, '0')}`;
}

/** Past and future are far from now, so that the phase is the same for the whole test. */
const rowParts = fc.record({
  minute: fc.integer({ min: 0, max: 600 }),
  tenantId: fc.constantFrom(1, 1, 1, 2),
  queue: fc.nat(2),
  type: fc.nat(1),
  status: fc.constantFrom(...statuses, 'waiting' as const),
  retrying: fc.boolean(),
  runAtMs: fc.constantFrom(startMs, startMs + 10 * 365 * 24 * hour),
  error: fc.option(
    fc.record({
      name: fc.constantFrom('TypeError', 'Error'),
      message: fc.constantFrom('connect ECONNREFUSED', '100% of_it', ''),
    }),
  ),
  tags: fc.subarray(['red', 'green', 'blue']),
});

const filterKeys: (keyof Omit<JobFilter, 'tenantId' | 'cursor' | 'limit'>)[] = [
  'queueId',
  'statuses',
  'phases',
  'typeId',
  'tag',
  'submittedAfterMs',
  'submittedBeforeMs',
  'error',
  'failure',
];

/** In these tables errors of one name have one fingerprint. */
const fingerprintOf = (name: string) => createHash('md5').update(name).digest('hex');

const anyFilter = fc.record({
  queueId: fc.nat(2),
  statuses: fc.subarray(statuses),
  phases: fc.subarray<JobPhase>([
    'scheduled',
    'ready',
    'retrying',
    'running',
    'completed',
    'dead',
    'cancelled',
  ]),
  typeId: fc.nat(1),
  tag: fc.constantFrom('red', 'blue', 'none'),
  submittedAfterMs: fc.integer({ min: 0, max: 600 }).map((minute) => startMs + minute * 60_000),
  submittedBeforeMs: fc.integer({ min: 0, max: 600 }).map((minute) => startMs + minute * 60_000),
  error: fc.constantFrom('TypeError', 'ECONN', '%', '_'),
  failure: fc.constantFrom('TypeError', 'Error', 'none').map(fingerprintOf),
});

/** Few conditions at a time, so that most filters find something. */
const filters: fc.Arbitrary<Partial<JobFilter>> = fc
  .tuple(anyFilter, fc.shuffledSubarray(filterKeys, { maxLength: 3 }))
  .map(([filter, keys]) => Object.fromEntries(keys.map((key) => [key, filter[key]])));

/** The same filter, row by row. */
function matches(row: Row, filter: Partial<JobFilter>): boolean {
  const { queueId, typeId, tag, error, failure, submittedAfterMs, submittedBeforeMs } = filter;
  return (
    row.tenantId === 1 &&
    (queueId === undefined || row.queueId === queueId) &&
    (typeId === undefined || row.typeId === typeId) &&
    (tag === undefined || row.tags.includes(tag)) &&
    (filter.statuses?.includes(row.status) ?? true) &&
    (filter.phases?.includes(phaseOf(row, Date.now())) ?? true) &&
    (submittedAfterMs === undefined || row.submittedAtMs >= submittedAfterMs) &&
    (submittedBeforeMs === undefined || row.submittedAtMs < submittedBeforeMs) &&
    (error === undefined ||
      row.error?.name === error ||
      (row.error?.message.includes(error) ?? false)) &&
    (failure === undefined || (row.error !== null && fingerprintOf(row.error.name) === failure))
  );
}

async function allPages(filter: JobFilter): Promise<ListedJob[]> {
  const found: ListedJob[] = [];
  let cursor: string | undefined;
  do {
    const page = await listJobs(db.database, { ...filter, cursor });
    expect(page.jobs.length).toBeLessThanOrEqual(filter.limit);
    found.push(...page.jobs);
    // A page that says there is more is full, and the one after it is not empty.
    if (page.nextCursor !== null) expect(page.jobs).toHaveLength(filter.limit);
    if (cursor !== undefined) expect(page.jobs).not.toEqual([]);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}

/** A node of a plan, as EXPLAIN (ANALYZE, FORMAT JSON) tells it. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** The way the table was read by a list: how, and how many of its rows. */
async function readingOf(filter: JobFilter): Promise<{ ways: string[]; rows: number }> {
  const ways: string[] = [];
  let rows = 0;
  const visit = (node: PlanNode): void => {
    if (node['Relation Name'] === 'job_status_1') {
      ways.push(node['Node Type']);
      rows += node['Actual Loops'] * (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0));
    }
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
  await listJobs(explaining, filter);
  return { ways: [...new Set(ways)], rows: Math.round(rows) };
}

describe.each(versionsUnderTest())('on Postgres %i', (postgres) => {
  beforeAll(async () => {
    db = await createTestDatabase({ postgres });
    client = await db.connect();
    await prepareReadModels(db.database);
    const queues = await db.context.names.queueIds(queueNames);
    const types = await db.context.names.typeIds(typeNames);
    queueIds = queueNames.map((name) => queues.get(name) ?? 0);
    typeIds = typeNames.map((name) => types.get(name) ?? 0);
    await client.query("insert into tenants (id, name) values (2, 'other')");
  });
  afterAll(() => db.drop());

  describe('lists of jobs', () => {
    beforeEach(async () => {
      await client.query('truncate job_status_1');
    });

    it('give page by page what a filter of all rows gives, newest first', async () => {
      const table = fc.array(rowParts, { minLength: 30, maxLength: 60, size: 'max' });
      const searches = fc.array(filters, { minLength: 10, maxLength: 10 });
      await fc.assert(
        fc.asyncProperty(
          table,
          searches,
          fc.constantFrom(1, 3, 20, 1_000),
          async (parts, all, limit) => {
            const rows = parts.map(({ minute, queue, type, ...rest }, index): Row => {
              // Clocks of processes are up to an hour apart from the database's.
              const madeAtMs = startMs + minute * 60_000 + (index % 3) * 1_000_000 - 1_000_000;
              return {
                ...rest,
                id: idOf(madeAtMs, index),
                queueId: queueIds[queue] ?? 0,
                typeId: typeIds[type] ?? 0,
                submittedAtMs: startMs + minute * 60_000,
              };
            });
            await client.query('truncate job_status_1');
            await insert(rows);
            for (const some of all) {
              const filter = {
                ...some,
                ...(some.queueId === undefined ? {} : { queueId: queueIds[some.queueId] }),
                ...(some.typeId === undefined ? {} : { typeId: typeIds[some.typeId] }),
              };
              const expected = rows.filter((row) => matches(row, filter)).map(({ id }) => id);
              const found = await allPages({ ...filter, tenantId: 1, limit });
              expect(found.map(({ id }) => id)).toEqual(expected.toSorted().toReversed());
            }
          },
        ),
        { numRuns: 25 },
      );
    });

    it('show a job with names, phase and times in ms', async () => {
      await insert([
        {
          id: idOf(startMs, 1),
          tenantId: 1,
          queueId: queueIds[1] ?? 0,
          typeId: typeIds[1] ?? 0,
          status: 'waiting',
          retrying: true,
          runAtMs: startMs + 10 * 365 * 24 * hour,
          submittedAtMs: startMs + 123,
          error: { name: 'TypeError', message: 'x is not a function' },
          tags: ['red'],
        },
      ]);
      const { jobs } = await listJobs(db.database, { tenantId: 1, limit: 10 });
      expect(jobs).toEqual([
        {
          id: idOf(startMs, 1),
          version: 1,
          queue: 'reports',
          type: 'render',
          status: 'waiting',
          phase: 'retrying',
          priority: 4,
          failures: 0,
          maxAttempts: 10,
          runAtMs: startMs + 10 * 365 * 24 * hour,
          submittedAtMs: startMs + 123,
          startedAtMs: null,
          endedAtMs: null,
          error: { name: 'TypeError', message: 'x is not a function' },
          failure: fingerprintOf('TypeError'),
          uniqueKey: null,
          correlationId: null,
          tags: ['red'],
        },
      ]);
    });
  });

  describe('queue counters', () => {
    it('are 0 for a queue nothing has happened in, and absent for another tenant', async () => {
      const [mail = 0] = queueIds;
      const counts = await readQueueCounters(db.database, 1, [mail, 9_999]);
      expect([...counts.keys()]).toEqual([mail]);
      expect(counts.get(mail)).toMatchObject({ waiting: 0, completed: 0, interrupted: 0 });
      expect(await readQueueCounters(db.database, 2, [mail])).toEqual(new Map());
    });
  });

  describe('the plans of lists, over 120,000 rows', () => {
    /** 100,000 completed jobs and others in between; every thousandth is dead, ten are running. */
    const fill = () =>
      client.query(
        `insert into job_status_1 (job_id, tenant_id, queue_id, type_id, status, retrying, run_at,
         submitted_at, priority, failures, max_attempts, position, since_position, version, error_fingerprint)
       select (lpad(to_hex($1::bigint + n * 1000), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
         1, ($2::int[])[1 + n % 3], ($3::int[])[1 + n % 2],
         case when n % 1000 = 0 then 4 when n % 12000 = 1 then 2 when n % 7 = 0 then 1 else 3 end,
         false, now(), to_timestamp($1::bigint / 1000 + n), 4, 0, 10, n, n, 3,
         case when n % 1000 = 0 then md5('Error')::uuid when n % 4 = 0 then md5('TypeError')::uuid end
       from generate_series(1, 120000) n`,
        [startMs, queueIds, typeIds],
      );

    /** What the planner believes of the table. */
    const beliefs = {
      'it knows the table': async () => {
        await fill();
        await client.query('analyze job_status_1');
      },
      'it believes the table to be empty': async () => {
        await client.query('analyze job_status_1');
        await fill();
      },
    };

    describe.each(Object.entries(beliefs))('when %s', (_belief, prepare) => {
      beforeAll(async () => {
        await client.query('alter table job_status_1 set (autovacuum_enabled = off)');
        await client.query('truncate job_status_1');
        await prepare();
      });

      const lists: [string, () => Partial<JobFilter>, number][] = [
        ['all jobs', () => ({}), 51],
        ['one queue', () => ({ queueId: queueIds[0] }), 5 * 51],
        ['a status that few have', () => ({ statuses: ['running'] }), 10],
        ['a status that none has', () => ({ statuses: ['cancelled'] }), 0],
        ['a status that most have', () => ({ statuses: ['completed'] }), 3 * 51],
        ['a queue and status', () => ({ queueId: queueIds[1], statuses: ['dead'] }), 51],
        ['an error that few have', () => ({ failure: fingerprintOf('Error') }), 51],
        ['an error that many have', () => ({ failure: fingerprintOf('TypeError') }), 51],
        ['ready jobs', () => ({ phases: ['ready'] }), 3 * 51],
        [
          'jobs of a time',
          () => ({
            submittedAfterMs: startMs + 60_000_000,
            submittedBeforeMs: startMs + 61_000_000,
          }),
          // And what lies between the end of that time and the page: an hour.
          51 + 3_600,
        ],
        [
          'dead jobs of a time',
          () => ({
            statuses: ['dead'],
            submittedAfterMs: startMs + 60_000_000,
            submittedBeforeMs: startMs + 61_000_000,
          }),
          // One job a second, one in a thousand dead, and an hour before and after.
          9,
        ],
      ];

      it.each(lists)(
        'a page of %s reads little more than the page',
        async (_what, filter, most) => {
          const { ways, rows } = await readingOf({ tenantId: 1, limit: 50, ...filter() });
          expect(ways).toEqual(['Index Scan']);
          expect(rows).toBeLessThanOrEqual(most);
        },
      );

      it('the last page costs what the first does', async () => {
        const cursor = idOf(startMs + 100 * 1_000, 100);
        const { ways, rows } = await readingOf({
          tenantId: 1,
          limit: 50,
          statuses: ['completed'],
          cursor,
        });
        expect(ways).toEqual(['Index Scan']);
        expect(rows).toBeLessThanOrEqual(3 * 51);
      });
    });
  });
});
