/** How many positions a batch takes: as many as keep it short. */
export interface BatchSize {
  now(): number;
  /** After a batch that was applied. @param full it was as large as it was allowed to be */
  took(ms: number, full: boolean): void;
  /** After a batch that failed: the next one does, and loses, less. */
  failed(): void;
}

export interface BatchLimits {
  readonly first?: number;
  readonly most?: number;
}

const LEAST = 100;
/** A full batch that is quicker than this lets the next one be larger. */
const QUICK_MS = 250;
/** A batch that is slower than this makes the next one smaller: readers wait for its end. */
const SLOW_MS = 1_000;

export function createBatchSize({ first = 5_000, most = 20_000 }: BatchLimits): BatchSize {
  let size = first;
  const smaller = () => {
    size = Math.max(LEAST, Math.floor(size / 2));
  };
  return {
    now: () => size,
    took(ms, full) {
      if (ms > SLOW_MS) smaller();
      else if (ms < QUICK_MS && full) size = Math.min(most, size * 2);
    },
    failed: smaller,
  };
}
