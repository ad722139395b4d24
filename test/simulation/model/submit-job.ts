import type { JobEventData } from '../../../src/domain/job/events.ts';
import type { Steps } from '../world.ts';
import { jobEvent } from './job-events.ts';
import type { Transaction } from './transactions.ts';

export interface SubmittedJob {
  readonly id: string;
  readonly queue: string;
  readonly data: JobEventData['JobSubmitted'];
}

/** What a submission answers; a job that is there already counts as born. */
export type Submitted = 'born' | 'key-held';

/**
 * submit-jobs, in a transaction of its own: the payload row is the one guard that a stream is born once,
 * the claim row joins it, and the event joins the claim row. Where the unique key is held all of it is
 * rolled back.
 */
export function* submitJob(tx: Transaction, { id, queue, data }: SubmittedJob): Steps<Submitted> {
  yield* tx.lock(`payload ${id}`, 'update');
  if (tx.now.born.has(id) && tx.mutation !== 'births-unguarded') return 'born';
  const { uniqueKey = null } = data;
  if (uniqueKey !== null && !(yield* takeKey(tx, uniqueKey))) return 'key-held';
  const runAtMs = data.runAtMs ?? tx.atMs + (data.delayMs ?? 0);
  tx.onCommit(({ born, claims }) => {
    born.add(id);
    claims.set(id, {
      id,
      queue,
      version: 1,
      priority: data.priority,
      runAtMs,
      failures: 0,
      maxAttempts: data.maxAttempts,
      crashes: 0,
      suspect: false,
      startMarked: false,
      sessionId: null,
      leaseToken: null,
      claimedAtMs: null,
      cancelRequested: false,
      cancelReason: null,
      uniqueKey,
      retryPolicy: data.retryPolicy ?? null,
    });
  });
  tx.append([jobEvent(id, 1, queue, tx.atMs, { type: 'JobSubmitted', data })]);
  return 'born';
}

/**
 * The unique index: waits for whoever is about to take or give up the key; false where a live job has it.
 */
export function* takeKey(tx: Transaction, key: string): Steps<boolean> {
  if (tx.mutation === 'unique-keys-unguarded') return true;
  yield* tx.lock(`key ${key}`, 'update');
  return ![...tx.now.claims.values()].some(({ uniqueKey }) => uniqueKey === key);
}
