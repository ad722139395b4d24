import type { Steps } from '../world.ts';
import { jobEvent } from './job-events.ts';
import type { ClaimRow, SessionRow } from './tables.ts';
import type { Transaction } from './transactions.ts';

export interface ClaimRequest {
  readonly session: string;
  readonly queue: string;
  readonly suspects: boolean;
  readonly limit: number;
}

/** A job as its worker gets it. */
export interface ClaimedJob {
  readonly id: string;
  readonly leaseToken: string;
  /** Of its JobClaimed. */
  readonly version: number;
  readonly suspect: boolean;
}

/**
 * claim-jobs: the session FOR KEY SHARE, whether the queue is paused from the snapshot, then jobs that
 * are due, FOR UPDATE SKIP LOCKED, each looked at again once it is locked.
 */
export function* claimJobs(
  tx: Transaction,
  { session, queue, suspects, limit }: ClaimRequest,
  newId: () => string,
): Steps<ClaimedJob[]> {
  if (!(yield* holdSession(tx, session))) return [];
  const { paused } = tx.snapshot.queues.get(queue) ?? { paused: true };
  if (paused && tx.mutation !== 'pause-ignored') return [];
  const isDue = (row: ClaimRow | undefined): row is ClaimRow =>
    row !== undefined &&
    row.queue === queue &&
    row.suspect === suspects &&
    (row.leaseToken === null || tx.mutation === 'lease-check-off') &&
    (row.runAtMs <= tx.atMs || tx.mutation === 'run-at-ignored');
  const claimed: ClaimedJob[] = [];
  for (const { id } of [...tx.snapshot.claims.values()].filter(isDue).toSorted(inOrder)) {
    if (claimed.length === limit) break;
    if (!(yield* tx.lock(`claim ${id}`, 'update', 'skip'))) continue;
    const row = tx.now.claims.get(id);
    if (!isDue(row)) continue;
    claimed.push(claimOne(tx, row, session, newId()));
  }
  return claimed;
}

function claimOne(tx: Transaction, row: ClaimRow, session: string, leaseToken: string): ClaimedJob {
  const { id, queue, suspect } = row;
  const version = row.version + 1;
  const claimedAtMs = Math.max(tx.atMs, row.runAtMs);
  tx.onCommit(({ claims }) => {
    const lease = { sessionId: session, leaseToken, claimedAtMs, startMarked: false };
    claims.set(id, { ...row, ...lease, version });
  });
  const data = { attempt: row.failures + 1, session, leaseToken };
  tx.append([jobEvent(id, version, queue, claimedAtMs, { type: 'JobClaimed', data })]);
  return { id, leaseToken, version, suspect };
}

function* holdSession(tx: Transaction, id: string): Steps<boolean> {
  const lives = (session: SessionRow | undefined) =>
    session !== undefined && session.endedAtMs === null && session.leaseUntilMs > tx.atMs;
  if (!lives(tx.snapshot.sessions.get(id))) return false;
  if (tx.mutation === 'session-unlocked') return true;
  yield* tx.lock(`session ${id}`, 'key-share');
  return lives(tx.now.sessions.get(id));
}

function inOrder(a: ClaimRow, b: ClaimRow): number {
  return a.priority - b.priority || a.runAtMs - b.runAtMs || (a.id < b.id ? -1 : 1);
}
