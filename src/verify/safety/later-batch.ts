/**
 * What can be said of real time from the log. Its events carry the time at which their statement began,
 * and each batch of the sequencer the time at which it was recorded.
 *
 * A statement that moved a batch was sent after the batch before it was committed, since it names the
 * tick that the one before left behind. So the time recorded with the *next* batch lies after the commit
 * of everything in this one: what is in batch n was committed before the time of batch n + 1. The time
 * of its own batch does not say so much: that is when the moving statement began, and the snapshot it
 * read came later.
 *
 * All of these times come from one clock, the database's. Where it was put back, or another server took
 * over whose clock is ahead, some that began just then may be judged wrongly.
 */
export interface LaterBatch {
  /** Takes the time of the batch that the next event stands in; null where it is not known. */
  enter(recordedAtMs: number | null): void;
  /**
   * Calls back, with a time by which everything in the present batch was committed, once a later batch
   * begins.
   */
  whenCommitted(callback: (byMs: number) => void): void;
  /** The log ends: everything in it was committed by this time. */
  end(byMs: number): void;
}

export function createLaterBatch(): LaterBatch {
  let current: number | null = null;
  let waiting: ((byMs: number) => void)[] = [];

  const tell = (byMs: number) => {
    const told = waiting;
    waiting = [];
    for (const callback of told) callback(byMs);
  };
  return {
    enter(recordedAtMs) {
      if (recordedAtMs === null) return;
      // Two batches of the same time count as one, which waits longer and so says less.
      if (current !== null && recordedAtMs > current) tell(recordedAtMs);
      current = Math.max(current ?? recordedAtMs, recordedAtMs);
    },
    whenCommitted: (callback) => void waiting.push(callback),
    end: tell,
  };
}
