import { AsyncLocalStorage } from 'node:async_hooks';

/** What work belongs to that was begun by other work. */
export interface Ancestry {
  /** The chain of work: the correlation of the job that runs, or its id where it has none. */
  readonly correlation: string;
  /** The event that led here: the id of its JobClaimed. */
  readonly causation: string;
}

/**
 * Carries, through awaits and callbacks, which job's handler is running, so that what it submits or
 * changes says by itself what it came from.
 */
export interface Lineage {
  /** Undefined outside of handlers. */
  current(): Ancestry | undefined;
  within<Result>(ancestry: Ancestry, work: () => Result): Result;
}

export function createLineage(): Lineage {
  const storage = new AsyncLocalStorage<Ancestry>();
  return {
    current: () => storage.getStore(),
    within: (ancestry, work) => storage.run(ancestry, work),
  };
}
