import type { Clock } from '../../kernel/clock.ts';

/** The first pause after a claim that found nothing, and the longest, in ms. */
const FIRST_MS = 2;
const LONGEST_MS = 64;

/**
 * How soon after a claim the next one may be made. A hint wakes every worker of a queue, and one of
 * them gets the jobs: the others, who found nothing, answer the next hints ever more slowly, until
 * they find something again. Without this, eight workers spent 4.5 ms of processor time per job on
 * asking for what another had taken. And claims take at most two thirds of the time, so that on a
 * database that is slow the claims get rarer and larger.
 */
export interface ClaimPace {
  /** ms until a claim may be made; 0 for now. */
  waitMs(): number;
  /** Brackets a claim: call when it starts, and with what it found when it has ended. */
  started(): void;
  ended(found: number, wanted: number): void;
}

/** @param random a number in [0, 1), so that workers do not fall into step */
export function createClaimPace(clock: Clock, random: () => number): ClaimPace {
  let startedAt = 0;
  let nextAt = 0;
  let emptyMs = FIRST_MS;
  return {
    waitMs: () => Math.max(0, nextAt - clock.elapsedMs()),
    started() {
      startedAt = clock.elapsedMs();
    },
    ended(found, wanted) {
      const now = clock.elapsedMs();
      if (found > 0) emptyMs = FIRST_MS;
      if (found === wanted) nextAt = now;
      else if (found > 0) nextAt = now + Math.min(LONGEST_MS, (now - startedAt) / 2);
      else {
        nextAt = now + emptyMs * (0.5 + random());
        emptyMs = Math.min(LONGEST_MS, emptyMs * 2);
      }
    },
  };
}
