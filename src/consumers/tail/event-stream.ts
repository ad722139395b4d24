import { Observable, type Subscriber } from 'rxjs';
import { createBackoff } from '../../kernel/backoff.ts';
import { isDaybookError } from '../../kernel/errors.ts';
import { type EventsOptions, iterateEvents } from './event-iterator.ts';
import type { LoggedEvent } from './log-page.ts';
import type { LogTail } from './log-tail.ts';

/**
 * The events of the log as a cold Observable: each subscriber reads for itself, from where the options
 * say. It resumes by itself, after the last event that was emitted, when the database was away. It
 * errors with `token-expired` when the log has become another and no `onReset` leads on, and completes
 * when Daybook is closed. `onGap` and `onCaughtUp` are called between the events.
 * Observables know no backpressure: what an observer does after it has returned holds nothing up.
 */
export function eventStream(tail: LogTail, options: EventsOptions = {}): Observable<LoggedEvent> {
  return new Observable((subscriber) => {
    const ended = new AbortController();
    const end = () => ended.abort();
    if (options.signal?.aborted === true) end();
    options.signal?.addEventListener('abort', end, { once: true, signal: ended.signal });
    emitAll(tail, { ...options, signal: ended.signal }, subscriber).then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    );
    return end;
  });
}

/** Emits until the end; begins again after the last token while the database is away. */
async function emitAll(
  tail: LogTail,
  options: EventsOptions & { readonly signal: AbortSignal },
  subscriber: Subscriber<LoggedEvent>,
): Promise<void> {
  const { clock, random } = tail;
  const { signal, onToken } = options;
  const backoff = createBackoff(100, 5_000, random);
  let { after } = options;
  const remember = (token: string) => {
    after = token;
    onToken?.(token);
  };
  while (!signal.aborted) {
    try {
      for await (const event of iterateEvents(tail, { ...options, after, onToken: remember })) {
        subscriber.next(event);
        after = event.token;
        backoff.reset();
        if (signal.aborted) return;
      }
      return;
    } catch (error) {
      if (!isDaybookError(error, 'database-unavailable')) throw error;
      await clock.sleep(backoff.nextMs(), signal);
    }
  }
}
