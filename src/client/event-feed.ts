import type { CloudEvent } from '../domain/cloud-event.ts';
import type { EventFilter } from '../domain/event-filter.ts';
import type { Reset, SignalListeners } from '../domain/log-signals.ts';
import { parseLogToken } from '../domain/log-token.ts';
import type { Connection } from './connection.ts';
import { RequestFailed, succeeded } from './request-failed.ts';
import { createSseParser, type SseBlock } from './sse-parser.ts';

/** An event of the log, and the token to go on from after it. */
export interface ReceivedEvent {
  readonly token: string;
  readonly event: CloudEvent;
}

export interface FeedOptions extends SignalListeners {
  /**
   * Where to begin: after a log token or a position, at the `start` of the log, or at its `end`, which
   * is the default.
   */
  readonly after?: string | undefined;
  readonly filter?: EventFilter | undefined;
  /** Ends the feed when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Told of every connection that is lost, before it is tried again. */
  readonly onLost?: ((error: unknown) => void) | undefined;
}

/** A connection on which nothing came for so long is given up; the server's heartbeat is 15 s. */
const SILENCE_MS = 60_000;
const RETRY_MAX_MS = 30_000;

/**
 * Events of the log in order, each once, for as long as it is asked for more. A connection that is
 * lost is opened again after the last event, by itself. The next piece is read from the network when
 * the events of the last have been dealt with, so a slow reader slows nobody but itself.
 * @throws RequestFailed `token-expired` on a reset without `onReset`, or where that leads to no place in
 *   the log; what the server refuses for good
 */
export async function* feedEvents(
  connection: Connection,
  options: FeedOptions = {},
): AsyncGenerator<ReceivedEvent, void, void> {
  const { signal } = options;
  const isOver = () => signal?.aborted === true;
  const place: Place = { after: options.after ?? 'end', retryMs: 0, failures: 0 };
  while (!isOver()) {
    try {
      yield* oneConnection(connection, options, place);
    } catch (error) {
      if (isOver()) return;
      if (!mayComeBack(error)) throw error;
      place.failures += 1;
      options.onLost?.(error);
    }
    await pause(pauseMs(place, connection.random()), signal);
  }
}

/** The network failed, and not the server for good, nor a function of the caller's own. */
class ConnectionLost extends Error {}

function mayComeBack(error: unknown): boolean {
  return error instanceof ConnectionLost || (error instanceof RequestFailed && error.retryable);
}

interface Place {
  after: string;
  /** What the server asks for, from the end of a connection to the next. */
  retryMs: number;
  /** Connections in a row that brought nothing. */
  failures: number;
  /** Where the last that came, a reset, leads to: who was told so is not told the same again. */
  told?: string | undefined;
}

function pauseMs({ retryMs, failures }: Place, random: number): number {
  const growing = failures === 0 ? 0 : 100 * 2 ** Math.min(failures, 20);
  return Math.min(RETRY_MAX_MS, Math.max(retryMs, growing)) * (0.5 + random / 2);
}

/** Reads until the connection ends. */
async function* oneConnection(
  connection: Connection,
  options: FeedOptions,
  place: Place,
): AsyncGenerator<ReceivedEvent, void, void> {
  const ended = new AbortController();
  const end = () => ended.abort();
  options.signal?.addEventListener('abort', end, { once: true, signal: ended.signal });
  try {
    const query = queryOf(options.filter ?? {}, place.after);
    const answer = await quickEnough(ended, () =>
      connection.request(`/v1/events?${query.toString()}`, {
        headers: { accept: 'text/event-stream' },
        signal: ended.signal,
      }),
    );
    const reader = (await succeeded(answer)).body?.getReader();
    const decoder = new TextDecoder();
    const parse = createSseParser();
    for (;;) {
      const piece = await quickEnough(ended, async () => reader?.read());
      if (piece === undefined || piece.done) return;
      for (const block of parse(decoder.decode(piece.value, { stream: true }))) {
        const received = take(block, options, place);
        if (received !== undefined) yield received;
      }
    }
  } finally {
    end();
  }
}

/** The event in a block, if it holds one; moves the place, and tells of signals. */
function take(block: SseBlock, options: FeedOptions, place: Place): ReceivedEvent | undefined {
  const { event, id: token, data, retryMs } = block;
  place.failures = 0;
  if (retryMs !== undefined) place.retryMs = retryMs;
  if (token === undefined) return undefined;
  if (event === 'reset') {
    place.after = afterReset(token, data ?? '{}', place.told === token ? {} : options);
    place.told = token;
    return undefined;
  }
  place.told = undefined;
  const isNew = isAfter(token, place.after);
  place.after = token;
  if (event === 'caught-up') options.onCaughtUp?.(token);
  if (event === 'gap') options.onGap?.(token);
  if (event !== 'message' || data === undefined || !isNew) return undefined;
  return { token, event: JSON.parse(data) as CloudEvent };
}

/** False for what has come already. */
function isAfter(token: string, before: string): boolean {
  const [now, then] = [parseLogToken(token), parseLogToken(before)];
  return now === undefined || then === undefined || now.position > then.position;
}

function afterReset(token: string, data: string, { onReset }: FeedOptions): string {
  const { reason } = JSON.parse(data) as Pick<Reset, 'reason'>;
  if (onReset !== undefined) return onReset({ token, reason });
  const detail = `The log cannot be read on from the token (${reason}).`;
  throw new RequestFailed(410, { code: 'token-expired', detail, reason, token });
}

function queryOf(filter: EventFilter, after: string): URLSearchParams {
  const query = new URLSearchParams({ after });
  const add = (name: string, values: readonly string[] | undefined) => {
    for (const value of values ?? []) query.append(name, value);
  };
  add('eventType', filter.eventTypes);
  add('queue', filter.queues);
  add('jobType', filter.jobTypes);
  add('job', filter.jobs);
  add('tag', filter.tags);
  add('correlation', filter.correlations);
  return query;
}

/** Gives a connection up that says nothing: half-open ones never say that they are. */
async function quickEnough<Result>(
  ended: AbortController,
  wait: () => Promise<Result>,
): Promise<Result> {
  const timer = setTimeout(() => ended.abort(), SILENCE_MS);
  try {
    return await wait();
  } catch (cause) {
    throw new ConnectionLost('The connection was lost.', { cause });
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal?.aborted === true) done();
    else signal?.addEventListener('abort', done);
  });
}
