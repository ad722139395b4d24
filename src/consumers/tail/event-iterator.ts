import type { EventFilter } from '../../domain/event-filter.ts';
import type { LoggedEvent } from './log-page.ts';
import type { LogTail } from './log-tail.ts';
import type { StartPosition } from './start-position.ts';
import { subscribe } from './subscription.ts';

export interface EventsOptions {
  /**
   * Where to begin: after the token of an event, after a position, at the `start` of the log, or at its
   * `end`, which is the default.
   */
  readonly after?: StartPosition | undefined;
  readonly filter?: EventFilter | undefined;
  /** Ends the reading when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Told when the end of the log is reached, the first time and after each falling behind. */
  readonly onCaughtUp?: ((token: string) => void) | undefined;
  /** Told of a token now and then, also where the filter lets nothing through: a place to go on from. */
  readonly onToken?: ((token: string) => void) | undefined;
}

/**
 * Events of the log in order, each once, for as long as it is asked for more. The next is read when the
 * last has been dealt with, so a slow reader slows nobody but itself. Begins with the first call of
 * `next`; ends when the signal aborts or Daybook is closed.
 * @throws DaybookError `invalid-request`, `position-ahead`, `token-expired`, `database-unavailable`
 */
export async function* iterateEvents(
  tail: LogTail,
  options: EventsOptions = {},
): AsyncGenerator<LoggedEvent, void, void> {
  const { after = 'end', filter, signal, onCaughtUp, onToken } = options;
  const subscription = await subscribe(tail, { start: after, filter, signal });
  let caughtUp = false;
  try {
    for (;;) {
      const batch = await subscription.next();
      if (batch === undefined) return;
      yield* batch.events;
      if (batch.fellBehind) caughtUp = false;
      if (batch.caughtUp && !caughtUp) onCaughtUp?.(batch.token);
      caughtUp ||= batch.caughtUp;
      onToken?.(batch.token);
    }
  } finally {
    subscription.close();
  }
}
