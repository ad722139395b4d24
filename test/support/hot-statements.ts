import type pg from 'pg';
import { fromTheFront } from '../../src/commands/work/claim-jobs.ts';
import type { Statement } from '../../src/store/statement.ts';
import { beatSession } from '../../src/store/statements/beat-session.ts';
import { claimJobs } from '../../src/store/statements/claim-jobs.ts';
import { claimKeys } from '../../src/store/statements/claim-keys.ts';
import { commitDecisions, type RowChange } from '../../src/store/statements/commit-decisions.ts';
import { completeJobs, completeUnlockedJobs } from '../../src/store/statements/complete-jobs.ts';
import { expireClaims } from '../../src/store/statements/expire-claims.ts';
import { findDueQueues } from '../../src/store/statements/find-due-queues.ts';
import { holdsSuspect } from '../../src/store/statements/holds-suspect.ts';
import { listHeldClaims } from '../../src/store/statements/list-held-claims.ts';
import { markStart } from '../../src/store/statements/mark-start.ts';
import { readBodies } from '../../src/store/statements/read-bodies.ts';
import { readJob } from '../../src/store/statements/read-job.ts';
import { readKeys } from '../../src/store/statements/read-keys.ts';
import { readLogPage } from '../../src/store/statements/read-log-page.ts';
import { readLogPageOfCorrelations } from '../../src/store/statements/read-log-page-of-correlations.ts';
import { readLogPageOfStreams } from '../../src/store/statements/read-log-page-of-streams.ts';
import { readOldestDue } from '../../src/store/statements/read-oldest-due.ts';
import { readStreams } from '../../src/store/statements/read-streams.ts';
import { readToldBodies } from '../../src/store/statements/read-told-bodies.ts';
import { readUniqueHolders } from '../../src/store/statements/read-unique-holders.ts';
import { sequenceInbox } from '../../src/store/statements/sequence-inbox.ts';
import { submitFreshJobs } from '../../src/store/statements/submit-fresh-jobs.ts';
import { submitJobs } from '../../src/store/statements/submit-jobs.ts';
import { readLogEvents } from '../../src/store/statements/verify/read-log-events.ts';
import { newId } from './test-database.ts';

const BATCH = 50;
/** Claims that each session holds. */
export const HELD = 3_000;

/**
 * Blocks that one job of a batch may ask for: in each of at most six indexes and three tables the
 * way down (up to four blocks) and the row itself, read and written. A batch may ask for as much
 * once more, however small it is. One look at the whole claim table would be 4,000 blocks.
 */
const PER_JOB = 60;
const ONCE = 300;

/** A statement with parameters, and how many blocks it may ask for. */
export interface Hot {
  readonly name: string;
  readonly prepared: boolean;
  readonly sql: (schema: string) => string;
  readonly values: readonly unknown[];
  readonly mayFetch: number;
}

function hot<Params, Row>(statement: Statement<Params, Row>, params: Params, jobs = BATCH): Hot {
  const { name, sql, prepared = false } = statement;
  return { name, prepared, sql, values: statement.values(params), mayFetch: PER_JOB * jobs + ONCE };
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
  actor: null,
  causation: null,
};
const decision = {
  expected: 1,
  version: 2,
  at: '2026-01-01T00:00:00Z',
  run_at: '2026-01-01T00:00:00Z',
  submitted_at: '2026-01-01T00:00:00Z',
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
  erase: false,
};
const event = {
  version: 2,
  queue_id: 1,
  job_type_id: 1,
  type: 2,
  at: '2026-01-01T00:00:00Z',
  elapsed_ms: null,
  data: {},
  correlation: null,
  tags: null,
};
const page = {
  tenantId: 1,
  afterPosition: 3n,
  limit: BATCH,
  scan: 500,
  types: null,
  queues: null,
  jobTypes: null,
  tags: null,
  correlations: null,
  streamIds: null,
};
const keyed = (key: string) => ({ key, fingerprint: '00', jobIds: [] });
const who = { tenantId: 1, actor: null, causation: null };

/** Every statement on the hot path, with the parameters of a batch of rows that are there. */
export async function hotStatements(client: pg.Client, session: string): Promise<Hot[]> {
  const rows = async <Row>(sql: string) => (await client.query(sql)).rows as Row[];
  const held = await rows<{ id: string; leaseToken: string }>(
    `select id, lease_token as "leaseToken" from job_claims
     where lease_token is not null and session_id = '${session}' limit ${BATCH}`,
  );
  const dead = await rows<{ id: string }>(`select job_id as id from dead_jobs limit ${BATCH}`);
  const [head] = await rows<{ tick: string }>('select tick from log_head');
  const decisions = (ids: readonly { id: string }[], change: RowChange) =>
    hot(commitDecisions, {
      isOwnTransaction: true,
      ...who,
      decisions: ids.map(({ id }) => ({ ...decision, id, change })),
      events: ids.map(({ id }) => ({ ...event, stream_id: id })),
    });
  const result = { result: '1', resultHash: '00', resultBytes: 1 };
  const completions = held.map((job) => ({ ...job, ...result }));
  const newJobs = () => Array.from({ length: BATCH }, () => ({ ...newJob, id: newId() }));
  const due = {
    tenantId: 1,
    queueId: 1,
    session,
    suspects: false,
    maxBytes: 1e9,
    cursorsMs: fromTheFront,
  };
  const one = { tenantId: 1, jobId: held[0]?.id ?? '', leaseToken: held[0]?.leaseToken ?? '' };
  return [
    hot(submitJobs, { tenantId: 1, jobs: newJobs() }),
    hot(submitFreshJobs, { tenantId: 1, jobs: newJobs() }),
    hot(claimJobs, { ...due, limit: BATCH }),
    hot(claimJobs, { ...due, limit: 1, cursorsMs: fromTheFront.map(() => Date.now()) }, 1),
    hot(claimJobs, { ...due, suspects: true, limit: 1 }, 1),
    hot(completeJobs, { tenantId: 1, completions, orRaise: false }),
    hot(completeUnlockedJobs, { tenantId: 1, completions, orRaise: false }),
    decisions(held, 'update'),
    decisions(held, 'end'),
    decisions(held, 'bury'),
    decisions(dead, 'revive'),
    hot(expireClaims, { limit: BATCH }),
    hot(sequenceInbox, { tick: BigInt(head?.tick ?? 0), limit: 500, channel: 'nobody' }, 500),
    hot(readStreams, { tenantId: 1, jobIds: held.map(({ id }) => id) }),
    hot(readJob, one),
    hot(readLogPage, page),
    hot(readLogPage, { ...page, types: [2], queues: ['default'], tags: ['none'] }),
    // As verify and export ask: up to the end of the log, a page at a time.
    hot(readLogEvents, { after: 1_000n, upTo: 290_000n, limit: 1_000 }),
    hot(readLogPageOfStreams, { ...page, streamIds: held.map(({ id }) => id) }),
    hot(readLogPageOfCorrelations, { ...page, correlations: ['chain-7', 'none'] }),
    // These read what their session holds.
    hot(beatSession, { tenantId: 1, session }, HELD / 20),
    hot(listHeldClaims, { tenantId: 1, session, queueId: 1 }, HELD / 20),
    hot(holdsSuspect, { tenantId: 1, session }, HELD / 20),
    hot(markStart, one, 1),
    hot(readBodies, { tenantId: 1, jobIds: held.map(({ id }) => id) }),
    hot(readToldBodies, { jobIds: held.map(({ id }) => id) }),
    hot(findDueQueues, { tenantId: 1, queueIds: [1] }, 1),
    hot(readOldestDue, { tenantId: 1, queueIds: [1] }, 1),
    hot(readUniqueHolders, { tenantId: 1, keys: ['unique-7', 'none'] }, 1),
    hot(readKeys, { tenantId: 1, keys: ['key-7', 'none'] }, 1),
    hot(claimKeys, { tenantId: 1, keys: [keyed('key-7'), keyed('none')], ttlMs: 1_000 }, 1),
  ];
}
