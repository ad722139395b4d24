/** Why a place in the log is of no use any more. */
export interface Reset {
  /** Leads to the first event there is. */
  readonly token: string;
  /**
   * `epoch`: the log was restored, or lost its end, and goes on as another one. `dropped`: what comes next
   * is no longer in the database. `ahead`: the log has not come so far, which it had before.
   */
  readonly reason: 'epoch' | 'dropped' | 'ahead';
}

/**
 * What a reader of the log may hear of beside the events: the same in the library and in the client.
 * Called between two events, in order with them; what a listener throws ends the reading.
 */
export interface SignalListeners {
  /** Everything there was has come, the first time and after each `gap` and `reset`. */
  readonly onCaughtUp?: ((token: string) => void) | undefined;
  /**
   * This reader was too slow for what is kept in memory, and is read from the log again, from the token
   * on. Nothing is lost.
   */
  readonly onGap?: ((token: string) => void) | undefined;
  /**
   * The log is another one than before, or its beginning is gone: what was made of it is to be made
   * anew. Answers where to go on: `start`, `end`, a token. Without it the reading ends with
   * `token-expired` (or `position-ahead`).
   */
  readonly onReset?: ((reset: Reset) => string) | undefined;
}
