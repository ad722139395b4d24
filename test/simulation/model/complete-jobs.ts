import type { Steps } from '../world.ts';
import { jobEvent } from './job-events.ts';
import type { Transaction } from './transactions.ts';

export interface Completion {
  readonly id: string;
  readonly leaseToken: string;
  readonly resultHash: string;
}

/** complete-jobs: ends claims whose token still holds; the ids recorded. */
export function* completeJobs(
  tx: Transaction,
  completions: readonly Completion[],
): Steps<ReadonlySet<string>> {
  const recorded = new Set<string>();
  const inOrder = completions.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const isHeld = (token: string | null | undefined, given: string) =>
    token === given || (tx.mutation === 'fencing-off' && typeof token === 'string');
  for (const { id, leaseToken, resultHash } of inOrder) {
    if (!isHeld(tx.snapshot.claims.get(id)?.leaseToken, leaseToken)) continue;
    yield* tx.lock(`claim ${id}`, 'update');
    const row = tx.now.claims.get(id);
    if (row === undefined || !isHeld(row.leaseToken, leaseToken)) continue;
    if (row.uniqueKey !== null) yield* tx.lock(`key ${row.uniqueKey}`, 'mark');
    tx.onCommit(({ claims }) => void claims.delete(id));
    const atMs = Math.max(tx.atMs, row.claimedAtMs ?? 0);
    const data = { resultHash, resultBytes: 1 };
    tx.append([jobEvent(id, row.version + 1, row.queue, atMs, { type: 'JobCompleted', data })]);
    recorded.add(id);
  }
  return recorded;
}
