import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromTheFront } from '../../../src/commands/work/claim-jobs.ts';
import type { Statement } from '../../../src/store/statement.ts';
import { beatSession } from '../../../src/store/statements/beat-session.ts';
import { claimJobs } from '../../../src/store/statements/claim-jobs.ts';
import { commitDecisions, type RowChange } from '../../../src/store/statements/commit-decisions.ts';
import { completeJobs } from '../../../src/store/statements/complete-jobs.ts';
import { expireClaims } from '../../../src/store/statements/expire-claims.ts';
import { markStart } from '../../../src/store/statements/mark-start.ts';
import { readStreams } from '../../../src/store/statements/read-streams.ts';
import { sequenceInbox } from '../../../src/store/statements/sequence-inbox.ts';
import { submitJobs } from '../../../src/store/statements/submit-jobs.ts';
import {
  blocksFetched,
  type Fill,
  fillTables,
  hotRelations,
  statistics,
} from '../../support/big-tables.ts';
import { lapse } from '../../support/job-steps.ts';
import { stopPostgres15 } from '../../support/postgres-servers.ts';
import { sequentialScans } from '../../support/query-plans.ts';
import { createTestDatabase, newId } from '../../support/test-database.ts';

const BATCH = 50;
const HELD = 3_000;

/**
 * Blocks that one job of a batch may ask for: in each of at most six indexes and three tables the
 * way down (up to four blocks) and the row itself, read and written. A batch may ask for as much
 * once more, however small it is. One look at the whole claim table would be 4,000 blocks.
 */
const PER_JOB = 60;
const ONCE = 300;

interface Hot {
  readonly name: string;
  readonly sql: (schema: string) => string;
  readonly values: readonly unknown[];
  readonly mayFetch: number;
}

function hot<Params, Row>(statement: Statement<Params, Row>, params: Params, jobs = BATCH): Hot {
  const { name, sql } = statement;
  return { name, sql, values: statement.values(params), mayFetch: PER_JOB * jobs + ONCE };
}

const newJob = {
  queueId: 1,
  typeId: 1,
  priority: 4,
  maxAttempts: 1,
  runAtMs: null,
  delayMs: 0,
  payload: '1',
  payloadHash: '00',
  payloadBytes: 1,
  data: '{}',
  correlation: null,
};
const decision = {
  expected: 1,
  version: 2,
  at_ms: 0,
  run_at_ms: 0,
  submitted_at_ms: 0,
  queue_id: 1,
  type_id: 1,
  priority: 4,
  failures: 0,
  max_attempts: 1,
  crashes: 0,
  suspect: false,
  holds_lease: false,
  cancel_requested: false,
  cancel_reason: null,
  timeout_ms: null,
  payload_bytes: 1,
  unique_key: null,
  correlation: null,
  retry_policy: null,
  tags: null,
  payload: '1',
  payload_hash: '00',
};
const event = { version: 2, queue_id: 1, type: 2, at_ms: 0, data: {}, correlation: null };
const who = { tenantId: 1, actor: null, causation: null };

/** Every statement on the hot path, with the parameters of a batch of rows that are there. */
async function hotStatements(client: pg.Client, session: string): Promise<Hot[]> {
  const rows = async <Row>(sql: string) => (await client.query(sql)).rows as Row[];
  const held = await rows<{ id: string; leaseToken: string }>(
    `select id, lease_token as "leaseToken" from job_claims
     where lease_token is not null and session_id = '${session}' limit ${BATCH}`,
  );
  const dead = await rows<{ id: string }>(`select job_id as id from dead_jobs limit ${BATCH}`);
  const [head] = await rows<{ tick: string }>('select tick from log_head');
  const decisions = (ids: readonly { id: string }[], change: RowChange) =>
    hot(commitDecisions, {
      ...who,
      decisions: ids.map(({ id }) => ({ ...decision, id, change })),
      events: ids.map(({ id }) => ({ ...event, stream_id: id })),
      orRaise: false,
    });
  const result = { result: '1', resultHash: '00', resultBytes: 1 };
  const completions = held.map((job) => ({ ...job, ...result }));
  const fresh = Array.from({ length: BATCH }, () => ({ ...newJob, id: newId() }));
  const due = { queueId: 1, session, suspects: false, maxBytes: 1e9, cursorsMs: fromTheFront };
  const one = { jobId: held[0]?.id ?? '', leaseToken: held[0]?.leaseToken ?? '' };
  return [
    hot(submitJobs, { ...who, jobs: fresh }),
    hot(claimJobs, { ...due, limit: BATCH }),
    hot(claimJobs, { ...due, limit: 1, cursorsMs: fromTheFront.map(() => Date.now()) }, 1),
    hot(claimJobs, { ...due, suspects: true, limit: 1 }, 1),
    hot(completeJobs, { completions, orRaise: false }),
    decisions(held, 'update'),
    decisions(held, 'end'),
    decisions(held, 'bury'),
    decisions(dead, 'revive'),
    hot(expireClaims, { limit: BATCH }),
    hot(sequenceInbox, { tick: BigInt(head?.tick ?? 0), limit: 500, channel: 'nobody' }, 500),
    hot(readStreams, { tenantId: 1, jobIds: held.map(({ id }) => id) }),
    // It reads what its session holds.
    hot(beatSession, { tenantId: 1, session }, HELD / 20),
    hot(markStart, one, 1),
  ];
}

async function filled(postgres: 15 | 18, fill: Fill) {
  const db = await createTestDatabase({ postgres });
  const [session, lapsed] = [await db.openSession(), await db.openSession()];
  await fillTables(db, fill, [session, lapsed]);
  await lapse(db, lapsed);
  const client = await db.connect();
  return { db, client, statements: await hotStatements(client, session) };
}

type Filled = Awaited<ReturnType<typeof filled>>;

/** For each statement: which of the hot tables its plan reads from front to end. */
async function scans({ db, client, statements }: Filled): Promise<string[]> {
  const found: string[] = [];
  // A partition made ahead is empty, and is read in no time in any way.
  const { rows: hotOnes } = await client.query<{ name: string }>(
    `select oid::regclass::text as name from (${hotRelations}) as relations
     where pg_relation_size(oid) > 0`,
  );
  const large = new Set(hotOnes.map(({ name }) => name));
  for (const { name, sql, values } of statements) {
    const text = `explain (format json) ${sql(db.schema)}`;
    const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(text, [...values]);
    for (const table of sequentialScans(rows[0]?.['QUERY PLAN'])) {
      if (large.has(table)) found.push(`${name}: ${table}`);
    }
  }
  return found;
}

/** Statements that ask for more blocks than their batch may, when they are run. */
async function tooGreedy({ db, client, statements }: Filled): Promise<string[]> {
  const found: string[] = [];
  for (const { name, sql, values, mayFetch } of statements) {
    await client.query('begin');
    const before = await blocksFetched(client);
    await client.query(sql(db.schema), [...values]);
    const fetched = (await blocksFetched(client)) - before;
    await client.query('rollback');
    if (fetched > mayFetch) found.push(`${name}: ${fetched} of ${mayFetch}`);
  }
  return found;
}

const none = { scans: [], greedy: [] };

describe.each([18, 15] as const)('on Postgres %s', (postgres) => {
  describe('with full tables', () => {
    let full: Filled;
    beforeAll(async () => {
      const waiting = { waiting: 200_000, later: 100_000, held: HELD, dead: 20_000 };
      full = await filled(postgres, { ...waiting, events: 300_000, inbox: 50_000 });
    });
    afterAll(() => full.db.drop());

    it.each(Object.entries(statistics))('and statistics %s', async (_, pretend) => {
      await full.client.query(pretend);
      expect({ scans: await scans(full), greedy: await tooGreedy(full) }).toEqual(none);
    });
  });

  describe('with a few rows', () => {
    it('and statistics of a million, no table is read from front to end', async () => {
      const few = await filled(postgres, {
        waiting: 20,
        later: 10,
        held: 5,
        dead: 5,
        events: 5,
        inbox: 5,
      });
      await few.client.query(statistics['of tables with a million rows']);
      expect({ scans: await scans(few), greedy: await tooGreedy(few) }).toEqual(none);
      await few.db.drop();
    });
  });
});

afterAll(() => stopPostgres15());
