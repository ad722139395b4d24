import type { JobState } from '../domain/job/state.ts';
import type { RowIds } from '../projections/row-fold.ts';

type Row = Readonly<Record<string, unknown>>;

/** Where the tables keep a job: a live one in job_claims, a dead one in dead_jobs, others nowhere. */
export interface JobRows {
  readonly claim: Row | null;
  readonly dead: Row | null;
}

/**
 * The rows that a folded job asks for, column by column; all but the fleeting `start_marked`. Times
 * are ms since the epoch.
 */
export function rowsOfJob(state: JobState, ids: RowIds): JobRows {
  const common = {
    submitted_at: state.submittedAtMs,
    queue_id: ids.queueId(state.queue),
    type_id: ids.typeId(state.type),
    tenant_id: ids.tenantId,
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
    return { claim: null, dead: { ...common, id: state.id, died_at: state.endedAtMs } };
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
