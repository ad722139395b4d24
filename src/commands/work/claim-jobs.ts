import { invariant } from '../../kernel/invariant.ts';
import { claimJobs as claimStatement } from '../../store/statements/claim-jobs.ts';
import type { WriteContext } from '../write-context.ts';

/** A job as its worker gets it. Times are ms since the epoch, by the database's clock. */
export interface ClaimedJob {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly payload: unknown;
  /** Of the payload as JSON text. */
  readonly payloadBytes: number;
  readonly leaseToken: string;
  /** Place of its JobClaimed in the job's stream. */
  readonly version: number;
  /** From 1; interrupted attempts do not count. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly priority: number;
  readonly timeoutMs: number | null;
  /** Interrupted before: runs with no other suspect beside it, and marks its start. */
  readonly suspect: boolean;
  readonly runAtMs: number;
  readonly submittedAtMs: number;
  readonly claimedAtMs: number;
  readonly correlationId: string | null;
  readonly tags: readonly string[];
}

export interface ClaimRequest {
  readonly queue: string;
  readonly session: string;
  readonly limit: number;
  /** Claim a suspect, alone, instead of other jobs. */
  readonly suspects: boolean;
  readonly maxBytes: number;
  /** Per priority, where to start looking: ms since the epoch; see claim-cursor.ts. */
  readonly cursorsMs: readonly number[];
}

/** From the front of every priority. */
export const fromTheFront: readonly number[] = Array.from({ length: 10 }, () => 0);

/**
 * Claims due jobs of one queue for a session; none if the session has ended or the queue is paused.
 * @throws DaybookError `queue-not-found`
 */
export async function claimJobs(
  context: WriteContext,
  request: ClaimRequest,
): Promise<ClaimedJob[]> {
  const queueId = await context.names.queueId(request.queue);
  const rows = await context.database.run(claimStatement, {
    tenantId: context.tenantId,
    queueId,
    session: request.session,
    suspects: request.suspects,
    limit: request.suspects ? 1 : request.limit,
    maxBytes: request.maxBytes,
    cursorsMs: request.cursorsMs,
  });
  if (rows.length === 0) return [];
  context.wakeUp.hint('inbox');
  const types = await context.names.typeNames(rows.map((row) => row.type_id));
  return rows.map((row) => {
    const type = types.get(row.type_id);
    invariant(type !== undefined, 'a type on a claim row has a name');
    context.observer.claimed(
      { queue: request.queue, type },
      Math.max(0, row.claimed_at - row.run_at),
    );
    return {
      id: row.id,
      queue: request.queue,
      type,
      payload: row.payload,
      payloadBytes: row.payload_bytes,
      leaseToken: row.lease_token,
      version: row.version,
      attempt: row.failures + 1,
      maxAttempts: row.max_attempts,
      priority: row.priority,
      timeoutMs: row.timeout_ms,
      suspect: row.suspect,
      runAtMs: row.run_at,
      submittedAtMs: row.submitted_at,
      claimedAtMs: row.claimed_at,
      correlationId: row.correlation,
      tags: row.tags ?? [],
    };
  });
}
