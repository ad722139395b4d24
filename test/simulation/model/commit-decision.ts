import type { RecordedJobEvent } from '../../../src/domain/job/events.ts';
import { hasEnded, type JobState } from '../../../src/domain/job/state.ts';
import type { Steps } from '../world.ts';
import { takeKey } from './submit-job.ts';
import type { ClaimRow } from './tables.ts';
import type { Transaction } from './transactions.ts';

/** A decision that was made on a loaded state, with the job that it makes of it. */
export interface Decision {
  readonly before: JobState;
  readonly after: JobState;
  readonly events: readonly RecordedJobEvent[];
}

/** commit-decisions, for one job: kept only if the job is still at the version it was decided on. */
export function* commitDecision(tx: Transaction, decision: Decision): Steps<boolean> {
  const { before, after, events } = decision;
  const kept = yield* before.status === 'dead'
    ? changeDead(tx, decision)
    : changeLive(tx, decision);
  if (!kept) return false;
  if (hasEnded(after) && after.uniqueKey !== null) {
    yield* tx.lock(`key ${after.uniqueKey}`, 'mark');
  }
  tx.append(events);
  return true;
}

function* changeLive(tx: Transaction, { before, after }: Decision): Steps<boolean> {
  const { id, version } = before;
  const isExpected = (row: ClaimRow | undefined): row is ClaimRow =>
    row !== undefined && (row.version === version || tx.mutation === 'version-unguarded');
  if (!isExpected(tx.snapshot.claims.get(id))) return false;
  yield* tx.lock(`claim ${id}`, 'update');
  const row = tx.now.claims.get(id);
  if (!isExpected(row)) return false;
  tx.onCommit(({ claims, dead }) => {
    claims.delete(id);
    if (after.status === 'dead') dead.set(id, { id, version: after.version });
    if (!hasEnded(after)) claims.set(id, changedRow(tx, row, after));
  });
  return true;
}

function* changeDead(tx: Transaction, { before, after }: Decision): Steps<boolean> {
  const { id, version } = before;
  yield* tx.lock(`dead ${id}`, 'update');
  if (tx.now.dead.get(id)?.version !== version) return false;
  if (after.uniqueKey !== null && !(yield* takeKey(tx, after.uniqueKey))) return false;
  tx.onCommit(({ claims, dead }) => {
    dead.delete(id);
    claims.set(id, rowOf(after));
  });
  return true;
}

function changedRow({ mutation }: Transaction, row: ClaimRow, after: JobState): ClaimRow {
  const lease =
    after.lease === null
      ? {}
      : {
          sessionId: row.sessionId,
          leaseToken: row.leaseToken,
          claimedAtMs: row.claimedAtMs,
          startMarked: row.startMarked,
        };
  const failures = mutation === 'attempts-not-counted' ? row.failures : after.failures;
  return { ...rowOf(after), ...lease, failures };
}

/** The claim row of a job that is not claimed. */
function rowOf(job: JobState): ClaimRow {
  return {
    id: job.id,
    queue: job.queue,
    version: job.version,
    priority: job.priority,
    runAtMs: job.runAtMs,
    failures: job.failures,
    maxAttempts: job.maxAttempts,
    crashes: job.crashes,
    suspect: job.suspect,
    startMarked: false,
    sessionId: null,
    leaseToken: null,
    claimedAtMs: null,
    cancelRequested: job.cancelRequested !== null,
    cancelReason: job.cancelRequested?.reason ?? null,
    uniqueKey: job.uniqueKey,
    retryPolicy: job.retryPolicy,
  };
}
