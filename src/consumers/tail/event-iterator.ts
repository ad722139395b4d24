import type { EventFilter } from '../../domain/event-filter.ts';
import type { SignalListeners } from '../../domain/log-signals.ts';
import { isDaybookError } from '../../kernel/errors.ts';
import type { LoggedEvent } from './log-page.ts';
import { resetOf } from './log-reset.ts';
import type { LogTail } from './log-tail.ts';
import type { StartPosition } from './start-position.ts';
import { subscribe } from './subscription.ts';

export interface EventsOptions extends SignalListeners {
  /**
   * Where to begin: after the token of an event, after a position, at the `start` of the log, or at its
   * `end`, which is the default.
   */
  readonly after?: StartPosition | undefined;
  readonly filter?: EventFilter | undefined;
  /** Ends the reading when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Told of a token now and then, also where the filter lets nothing through: a place to go on from. */
  readonly onToken?: ((token: string) => void) | undefined;
}

/**
 * Events of the log in order, each once, for as long as it is asked for more. The next is read when the
 * last has been dealt with, so a slow reader slows nobody but itself. Begins with the first call of
 * `next`; ends when the signal aborts or Daybook is closed.
 * @throws DaybookError `invalid-request`, `position-ahead`, `database-unavailable`; without `onReset`,
 *   or where it leads to no place in the log, `token-expired`
 */
export async function* iterateEvents(
  tail: LogTail,
  options: EventsOptions = {},
): AsyncGenerator<LoggedEvent, void, void> {
  const { onReset } = options;
  let { after } = options;
  const place = { begun: false };
  let told: string | undefined;
  for (;;) {
    place.begun = false;
    try {
      yield* oneSubscription(tail, { ...options, after }, place);
      return;
    } catch (error) {
      const reset = resetOf(error);
      // Who was never there asked for it wrongly; who was told where to go on is not told the same again.
      const isNews =
        place.begun || (reset?.token !== told && isDaybookError(error, 'token-expired'));
      if (reset === undefined || !isNews || onReset === undefined) throw error;
      told = reset.token;
      after = onReset(reset);
    }
  }
}

/** Reads until the end, or until the log is another one. */
async function* oneSubscription(
  tail: LogTail,
  { after = 'end', filter, signal, onCaughtUp, onGap, onToken }: EventsOptions,
  place: { begun: boolean },
): AsyncGenerator<LoggedEvent, void, void> {
  const subscription = await subscribe(tail, { start: after, filter, signal });
  place.begun = true;
  let { token } = subscription;
  let caughtUp = false;
  try {
    for (;;) {
      const batch = await subscription.next();
      if (batch === undefined) return;
      if (batch.fellBehind) {
        caughtUp = false;
        onGap?.(token);
      }
      yield* batch.events;
      token = batch.token;
      if (batch.caughtUp && !caughtUp) onCaughtUp?.(token);
      caughtUp ||= batch.caughtUp;
      onToken?.(token);
    }
  } finally {
    subscription.close();
  }
}
