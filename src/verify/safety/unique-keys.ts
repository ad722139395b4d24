import { hasEnded, type JobState } from '../../domain/job/state.ts';
import type { RecordedJobEvent } from '../../domain/job/events.ts';
import type { Violations } from './violation.ts';

/** Which live job holds which unique key. */
export interface UniqueKeys {
  /** Takes a job as it was before an event, and as it is now. */
  changed(
    before: JobState | null,
    after: JobState,
    event: RecordedJobEvent,
    tenantId: number,
  ): void;
}

/**
 * At most one live job holds a unique key. Positions decide it, without any time: whoever takes a key
 * waits for the transaction that gives it up, and draws its inbox number after that.
 */
export function createUniqueKeys(violations: Violations): UniqueKeys {
  const holders = new Map<string, string>();

  return {
    changed(before, after, event, tenantId) {
      if (after.uniqueKey === null) return;
      const key = `${tenantId} ${after.uniqueKey}`;
      const was = before !== null && !hasEnded(before);
      const is = !hasEnded(after);
      if (is && !was) {
        const holder = holders.get(key);
        if (holder !== undefined && holder !== after.id) {
          const detail = `"${after.uniqueKey}" is held by the live job ${holder}`;
          violations.add('unique-key-twice', event, detail);
        }
        holders.set(key, after.id);
      }
      if (was && !is && holders.get(key) === after.id) holders.delete(key);
    },
  };
}
