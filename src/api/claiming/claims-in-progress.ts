import type { ClaimedJob } from '../../commands/work/claim-jobs.ts';
import type { JobLabels } from '../../kernel/observer.ts';

/** A claim as metrics will need it when its outcome comes. */
export interface ClaimInProgress {
  readonly labels: JobLabels;
  /** A monotonic reading in ms. */
  readonly claimedAt: number;
}

/**
 * Claims that were handed out over HTTP, by lease token, only so that outcomes can be counted by
 * queue and type. Forgets the oldest beyond `limit`; an outcome that comes to another process, or
 * after that, is recorded like any other and not counted.
 */
export interface ClaimsInProgress {
  add(jobs: readonly ClaimedJob[], atMs: number): void;
  /** Takes a claim out. */
  take(leaseToken: string): ClaimInProgress | undefined;
}

export function createClaimsInProgress(limit: number): ClaimsInProgress {
  const claims = new Map<string, ClaimInProgress>();
  return {
    add(jobs, atMs) {
      for (const { leaseToken, queue, type } of jobs) {
        claims.set(leaseToken, { labels: { queue, type }, claimedAt: atMs });
      }
      for (const oldest of claims.keys()) {
        if (claims.size <= limit) break;
        claims.delete(oldest);
      }
    },
    take(leaseToken) {
      const claim = claims.get(leaseToken);
      claims.delete(leaseToken);
      return claim;
    },
  };
}
