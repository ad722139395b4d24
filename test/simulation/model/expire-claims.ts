import type { JobEvent } from '../../../src/domain/job/events.ts';
import { maxCrashes } from '../../../src/domain/job/state.ts';
import type { Steps } from '../world.ts';
import { jobEvent } from './job-events.ts';
import type { ClaimRow, SessionRow } from './tables.ts';
import type { Transaction } from './transactions.ts';

/**
 * expire-claims: takes the jobs of ended sessions back, and settles a session by the second statement
 * that finds nothing of it. Sessions and rows FOR UPDATE SKIP LOCKED; what a session holds is seen in
 * the snapshot.
 */
export function* expireClaims(tx: Transaction, limit: number): Steps<number> {
  const isLapsed = (session: SessionRow | undefined): session is SessionRow =>
    session !== undefined &&
    !session.settled &&
    (session.endedAtMs !== null || session.leaseUntilMs < tx.atMs);
  const lapsed: SessionRow[] = [];
  for (const { id } of [...tx.snapshot.sessions.values()].filter(isLapsed)) {
    if (!(yield* tx.lock(`session ${id}`, 'update', 'skip'))) continue;
    const session = tx.now.sessions.get(id);
    if (isLapsed(session)) lapsed.push(session);
  }
  const back = new Set<string>();
  for (const { id: sessionId } of lapsed) {
    for (const { id } of heldIn(tx, sessionId)) {
      if (back.size === limit) break;
      if (!(yield* tx.lock(`claim ${id}`, 'update', 'skip'))) continue;
      const row = tx.now.claims.get(id);
      if (row?.sessionId !== sessionId || row.leaseToken === null) continue;
      back.add(id);
      yield* expireOne(tx, row);
    }
  }
  for (const session of lapsed) settle(tx, session, back);
  return back.size;
}

function heldIn({ snapshot }: Transaction, session: string): ClaimRow[] {
  return [...snapshot.claims.values()].filter(
    ({ sessionId, leaseToken }) => sessionId === session && leaseToken !== null,
  );
}

function* expireOne(tx: Transaction, row: ClaimRow): Steps {
  const { id, version, queue } = row;
  const crashed = row.suspect && row.startMarked;
  const atMs = Math.max(tx.atMs, row.claimedAtMs ?? 0);
  const isDead = !row.cancelRequested && crashed && row.crashes + 1 >= maxCrashes;
  const events: JobEvent[] = [
    {
      type: 'JobInterrupted',
      data: { reason: 'lease-expired', ...(crashed ? { crashed: true as const } : {}) },
    },
  ];
  if (row.cancelRequested) {
    events.push({ type: 'JobCancelled', data: { reason: row.cancelReason } });
  } else if (isDead) {
    events.push({ type: 'JobDead', data: { reason: 'crashes-its-worker' } });
  }
  const hasEnded = row.cancelRequested || isDead;
  if (hasEnded && row.uniqueKey !== null) yield* tx.lock(`key ${row.uniqueKey}`, 'mark');
  tx.onCommit(({ claims, dead }) => {
    claims.delete(id);
    if (isDead) dead.set(id, { id, version: version + 2 });
    if (!hasEnded) claims.set(id, givenBack(row, atMs, crashed));
  });
  tx.append(events.map((each, at) => jobEvent(id, version + 1 + at, queue, atMs, each)));
}

function givenBack(row: ClaimRow, runAtMs: number, crashed: boolean): ClaimRow {
  const noLease = { sessionId: null, leaseToken: null, claimedAtMs: null, startMarked: false };
  const crashes = row.crashes + (crashed ? 1 : 0);
  return { ...row, ...noLease, suspect: true, crashes, runAtMs, version: row.version + 1 };
}

/** Whether the session was closed when this statement began. */
function wasClosed({ mutation, snapshot }: Transaction, locked: SessionRow): boolean {
  if (mutation === 'settled-at-once') return true;
  if (mutation === 'settled-by-the-locked-row') return locked.closing;
  return snapshot.sessions.get(locked.id)?.closing === true;
}

function settle(tx: Transaction, session: SessionRow, back: ReadonlySet<string>): void {
  const seesNone = heldIn(tx, session.id).every(({ id }) => back.has(id));
  const settled = wasClosed(tx, session) && seesNone;
  const endedAtMs = session.endedAtMs ?? tx.atMs;
  tx.onCommit(({ sessions }) => {
    sessions.set(session.id, { ...session, endedAtMs, closing: true, settled });
  });
}
