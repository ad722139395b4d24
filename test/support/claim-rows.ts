import type { JobState } from '../../src/domain/job/state.ts';
import type { Names } from '../../src/store/names.ts';
import { defineStatement } from '../../src/store/statement.ts';
import type { TestDatabase } from './test-database.ts';

type Row = Readonly<Record<string, unknown>>;

/** Where the tables keep a job: a live one in job_claims, a dead one in dead_jobs, others nowhere. */
export interface JobRows {
  readonly claim: Row | null;
  readonly dead: Row | null;
}

/** The rows that a folded job asks for, column by column; all but the fleeting `start_marked`. */
export async function rowsFromState(names: Names, state: JobState): Promise<JobRows> {
  const queueId = (await names.queueIds([state.queue])).get(state.queue);
  const typeId = (await names.typeIds([state.type])).get(state.type);
  const common = {
    submitted_at: state.submittedAtMs,
    queue_id: queueId,
    type_id: typeId,
    tenant_id: 1,
    version: state.version,
    timeout_ms: state.timeoutMs,
    payload_bytes: state.payloadBytes,
    failures: state.failures,
    max_attempts: state.maxAttempts,
    priority: state.priority,
    unique_key: state.uniqueKey,
    correlation: state.correlation,
    retry_policy: state.retryPolicy,
    tags: state.tags.length === 0 ? null : state.tags,
  };
  if (state.status === 'dead') {
    return { claim: null, dead: { ...common, job_id: state.id, died_at: state.endedAtMs } };
  }
  if (state.status !== 'waiting' && state.status !== 'running') return { claim: null, dead: null };
  const claim = {
    ...common,
    id: state.id,
    run_at: state.runAtMs,
    session_id: state.lease?.session ?? null,
    lease_token: state.lease?.token ?? null,
    claimed_at: state.lease?.claimedAtMs ?? null,
    crashes: state.crashes,
    suspect: state.suspect,
    cancel_requested: state.cancelRequested !== null,
    cancel_reason: state.cancelRequested?.reason ?? null,
  };
  return { claim, dead: null };
}

const readRows = defineStatement<{ readonly id: string }, JobRows>({
  name: 'read-rows',
  sql: (schema) => `
    select (select to_jsonb(c) - 'start_marked' from ${schema}.job_claims c where id = $1) as claim,
      (select to_jsonb(d) from ${schema}.dead_jobs d where job_id = $1) as dead`,
  values: ({ id }) => [id],
});

const timeColumns = ['run_at', 'submitted_at', 'claimed_at', 'died_at'];

/** The rows that the tables have of a job, times in ms. */
export async function rowsInTables(db: TestDatabase, id: string): Promise<JobRows> {
  const [rows] = await db.database.run(readRows, { id });
  return { claim: inMs(rows?.claim ?? null), dead: inMs(rows?.dead ?? null) };
}

function inMs(row: Row | null): Row | null {
  if (row === null) return null;
  const times = timeColumns
    .filter((column) => typeof row[column] === 'string')
    .map((column) => [column, Date.parse(row[column] as string)]);
  return { ...row, ...(Object.fromEntries(times) as Row) };
}
