import type { Clock } from '../kernel/clock.ts';
import { leaveDuty } from './statements/leave-duty.ts';
import { takeDuty } from './statements/take-duty.ts';
import type { Executor } from './statement.ts';

/**
 * A duty that one process at a time should do, held by a lease row. Only an optimisation: whatever
 * is done under a duty must stay right with two holders at once.
 */
export interface Duty {
  /** True while this process holds the duty; asks the database at most every third of the lease. */
  held(): Promise<boolean>;
  /** Gives it up, so that another can take it at once. */
  leave(): Promise<void>;
}

/** @param leaseMs how long the duty stays held after this process has died */
export function createDuty(
  database: Executor,
  duty: string,
  holder: string,
  leaseMs: number,
  clock: Clock,
): Duty {
  let askAgainAt = 0;
  let holds = false;
  return {
    async held() {
      if (clock.elapsedMs() < askAgainAt) return holds;
      const rows = await database.run(takeDuty, { duty, holder, leaseMs });
      holds = rows.length > 0;
      askAgainAt = clock.elapsedMs() + leaseMs / 3;
      return holds;
    },
    async leave() {
      if (!holds) return;
      holds = false;
      await database.run(leaveDuty, { duty, holder });
    },
  };
}
