import type { Observable } from 'rxjs';
import { type EventsOptions, iterateEvents } from './event-iterator.ts';
import { eventStream } from './event-stream.ts';
import type { LoggedEvent } from './log-page.ts';
import { createLogTail, type LogTail, type LogTailOptions } from './log-tail.ts';

/** The log as the library's users read it. */
export interface LogReading {
  /**
   * The log as it grows, every event once and in order, from wherever `after` says; see
   * docs/guides/subscriptions.md. It waits for its reader.
   */
  events(options?: EventsOptions): AsyncGenerator<LoggedEvent, void, void>;
  /** The same as a cold Observable, which resumes by itself when the database was away. */
  events$(options?: EventsOptions): Observable<LoggedEvent>;
  /** Follows the log for all subscribers of this process; for those that build on it. */
  readonly tail: LogTail;
}

export function createLogReading(options: LogTailOptions): LogReading {
  const tail = createLogTail(options);
  return {
    tail,
    events: (wanted) => iterateEvents(tail, wanted),
    events$: (wanted) => eventStream(tail, wanted),
  };
}
