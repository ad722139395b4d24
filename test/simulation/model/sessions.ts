import type { Steps } from '../world.ts';
import type { SessionRow } from './tables.ts';
import type { Transaction } from './transactions.ts';

interface Beat {
  /** Jobs of the session that were asked to cancel. */
  readonly cancelRequested: readonly string[];
}

/** open-session */
export function* openSession(tx: Transaction, id: string, leaseMs: number): Steps<string> {
  yield* tx.lock(`session ${id}`, 'update');
  const leaseUntilMs = tx.atMs + leaseMs;
  tx.onCommit(({ sessions }) => {
    sessions.set(id, { id, leaseUntilMs, endedAtMs: null, closing: false, settled: false });
  });
  return id;
}

/** beat-session; null for a session that has ended. */
export function* beatSession(tx: Transaction, id: string, leaseMs: number): Steps<Beat | null> {
  const isOpen = (session: SessionRow | undefined): session is SessionRow =>
    session?.endedAtMs === null;
  if (!isOpen(tx.snapshot.sessions.get(id))) return null;
  yield* tx.lock(`session ${id}`, 'no-key-update');
  const session = tx.now.sessions.get(id);
  if (!isOpen(session)) return null;
  tx.onCommit(({ sessions }) => {
    sessions.set(id, { ...session, leaseUntilMs: tx.atMs + leaseMs });
  });
  const held = [...tx.snapshot.claims.values()].filter(
    (row) => row.sessionId === id && row.leaseToken !== null && row.cancelRequested,
  );
  return { cancelRequested: held.map((row) => row.id) };
}

/** end-session: an update of no key, which does not wait for claims that are being made. */
export function* endSession(tx: Transaction, id: string): Steps {
  yield* tx.lock(`session ${id}`, 'no-key-update');
  const session = tx.now.sessions.get(id);
  if (session === undefined || session.endedAtMs !== null) return;
  tx.onCommit(({ sessions }) => sessions.set(id, { ...session, endedAtMs: tx.atMs }));
}

/** list-held-claims */
export function listHeldClaims(
  { snapshot }: Transaction,
  session: string,
): { readonly id: string; readonly leaseToken: string }[] {
  return [...snapshot.claims.values()].flatMap(({ id, sessionId, leaseToken }) =>
    sessionId === session && leaseToken !== null ? [{ id, leaseToken }] : [],
  );
}

/** mark-start; false where the lease is lost. */
export function* markStart(tx: Transaction, id: string, leaseToken: string): Steps<boolean> {
  if (tx.snapshot.claims.get(id)?.leaseToken !== leaseToken) return false;
  yield* tx.lock(`claim ${id}`, 'update');
  const row = tx.now.claims.get(id);
  if (row?.leaseToken !== leaseToken) return false;
  tx.onCommit(({ claims }) => void claims.set(id, { ...row, startMarked: true }));
  return true;
}
