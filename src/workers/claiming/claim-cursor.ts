import type { Clock } from '../../kernel/clock.ts';
import { type ClaimedJob, fromTheFront } from '../../commands/work/claim-jobs.ts';

/**
 * How far behind the last claim the next one starts. Jobs become visible out of order by as long as
 * their transactions take; those that take longer are found by the next sweep.
 */
const SLACK_MS = 2_000;
/** A sweep of the whole queue runs whenever a claim came back short, and at the latest after this. */
const SWEEP_EVERY_MS = 1_000;
/** Sweeps take one part in so many of the time at the most: 5 %, however long a sweep takes. */
const SWEEP_SHARE = 20;

/**
 * Where to start looking for due jobs. From the front, a scan wades through everything claimed
 * before for as long as some transaction holds an old snapshot (25,000 jobs/s instead of 90,000).
 */
export interface ClaimCursor {
  /** Per priority, in ms since the epoch; all 0 for a sweep. Every `next` is followed by `claimed`. */
  next(): readonly number[];
  /** @param wanted how many the claim asked for: fewer means that something may lie before it */
  claimed(jobs: readonly ClaimedJob[], wanted: number): void;
}

export function createClaimCursor(clock: Clock): ClaimCursor {
  const cursors = [...fromTheFront];
  let short = true;
  let sweeping = false;
  let startedAt = 0;
  let sweptAt = Number.NEGATIVE_INFINITY;
  let sweepMs = 0;
  return {
    next() {
      startedAt = clock.elapsedMs();
      const since = startedAt - sweptAt;
      sweeping = (short || since > SWEEP_EVERY_MS) && since >= sweepMs * (SWEEP_SHARE - 1);
      return sweeping ? fromTheFront : cursors;
    },
    claimed(jobs, wanted) {
      if (sweeping) {
        sweptAt = clock.elapsedMs();
        sweepMs = sweptAt - startedAt;
      }
      short = jobs.length < wanted;
      for (const { priority, runAtMs } of jobs) {
        cursors[priority] = Math.max(cursors[priority] ?? 0, runAtMs - SLACK_MS);
      }
    },
  };
}
