import type { HeldJobs } from './held-jobs.ts';

/**
 * Of a process: at most one suspect is claimed or runs at a time, whatever its queue. The slot is
 * taken exactly while one is held, so there is nothing that could be left taken.
 */
export interface SuspectSlot {
  /** Makes a claim, and puts what it finds among the held jobs; does nothing while the slot is taken. */
  claim(claimSuspect: () => Promise<void>): Promise<void>;
}

export function createSuspectSlot(held: Pick<HeldJobs, 'holdsSuspect'>): SuspectSlot {
  let claiming = false;
  return {
    async claim(claimSuspect) {
      if (claiming || held.holdsSuspect()) return;
      claiming = true;
      try {
        await claimSuspect();
      } finally {
        claiming = false;
      }
    },
  };
}
