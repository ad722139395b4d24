import type { FastifyReply } from 'fastify';
import { resetOf } from '../../consumers/tail/log-reset.ts';
import { type StartPosition, startAfter } from '../../consumers/tail/start-position.ts';
import {
  type EventBatch,
  subscribe,
  type Subscription,
} from '../../consumers/tail/subscription.ts';
import type { EventFilter } from '../../domain/event-filter.ts';
import type { Reset } from '../../domain/log-signals.ts';
import { formatLogToken } from '../../domain/log-token.ts';
import { isDaybookError } from '../../kernel/errors.ts';
import type { Api } from '../dependencies.ts';
import type { EventFrames } from './event-frames.ts';
import type { OpenStreams } from './open-streams.ts';
import { createPatientWriter, type PatientWriter } from './patient-writer.ts';

/** What a client asked for. */
export interface EventsWish {
  readonly start: StartPosition;
  readonly filter: EventFilter;
}

/** How one kind of stream is written. */
export interface StreamKind {
  readonly contentType: string;
  readonly frames: EventFrames;
  /** The first bytes of every answer. */
  readonly greeting: string;
  /** The last bytes of an answer that this server ends, so that not all clients come back at once. */
  farewell(): string;
  /** Whether a token that is of no use is told in the stream, or is an error of the request. */
  readonly resetsInStream: boolean;
}

/**
 * Answers with events for as long as the client reads: what there is, and then what comes.
 * @throws DaybookError before anything is answered: `overloaded`, and those of `subscribe`
 */
export async function followEvents(
  api: Api,
  streams: OpenStreams,
  reply: FastifyReply,
  kind: StreamKind,
  wish: EventsWish,
): Promise<void> {
  const place = streams.begin();
  try {
    const signal = place.closing;
    const { heartbeatMs } = api.limits;
    const opened = await open(api, { ...wish, signal, heartbeatMs }, kind.resetsInStream);
    const writer = beginAnswer(api, reply, kind, place.closing);
    if (opened.subscription === undefined) {
      writer.end(`${kind.greeting}${resetFrame(kind.frames, opened.reset)}`);
      return;
    }
    const { subscription } = opened;
    writer.gone.addEventListener('abort', () => subscription.close(), { once: true });
    if (writer.gone.aborted) subscription.close();
    try {
      await sendAll(api, subscription, writer, kind);
    } finally {
      subscription.close();
    }
  } finally {
    place.end();
  }
}

/**
 * Answers with every event up to where the log ends now, page by page.
 * @throws DaybookError before anything is answered
 */
export async function exportEvents(
  api: Api,
  streams: OpenStreams,
  reply: FastifyReply,
  kind: StreamKind,
  { start, filter }: EventsWish,
): Promise<void> {
  const place = streams.begin();
  try {
    const bounds = await api.tail.bounds();
    let after = startAfter(start, bounds);
    const writer = beginAnswer(api, reply, kind, place.closing);
    const token = () => formatLogToken({ epoch: bounds.epoch, position: after });
    try {
      while (after < bounds.head && !place.closing.aborted) {
        const page = await api.tail.read({ after, filter, limit: 500 });
        // Throws for a log that has become another meanwhile.
        startAfter(token(), page);
        after = page.upTo;
        if (page.events.length > 0 && !(await writer.write(kind.frames.events(page.events))))
          return;
      }
      writer.end(after < bounds.head ? '' : kind.frames.signal('caught-up', token()));
    } catch (error) {
      writer.end(lastWords(api, kind, error));
    }
  } finally {
    place.end();
  }
}

type Opened =
  | { readonly subscription: Subscription }
  | { readonly subscription?: undefined; readonly reset: Reset };

async function open(
  { tail }: Api,
  wish: EventsWish & { readonly signal: AbortSignal; readonly heartbeatMs: number },
  resetsInStream: boolean,
): Promise<Opened> {
  try {
    return { subscription: await subscribe(tail, wish) };
  } catch (error) {
    const reset = isDaybookError(error, 'token-expired') ? resetOf(error) : undefined;
    if (resetsInStream && reset !== undefined) return { reset };
    throw error;
  }
}

function beginAnswer(
  { clock, limits }: Api,
  reply: FastifyReply,
  kind: StreamKind,
  closing: AbortSignal,
): PatientWriter {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': kind.contentType,
    // Not to be used again: a client that came back over it while the server closes would get a 503,
    // which ends an EventSource for good; one that is refused a connection tries again.
    connection: 'close',
    // A proxy that gathers answers would hold events back.
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();
  return createPatientWriter(raw, clock, limits.stalledMs, closing);
}

async function sendAll(
  api: Api,
  subscription: Subscription,
  writer: PatientWriter,
  kind: StreamKind,
): Promise<void> {
  if (!(await writer.write(kind.greeting))) return;
  const chunksOf = createBatchFrames(kind.frames, subscription.token);
  try {
    for (;;) {
      const batch = await subscription.next();
      if (batch === undefined) break;
      for (const chunk of chunksOf(batch)) {
        if (!(await writer.write(chunk))) return;
      }
    }
    writer.end(kind.farewell());
  } catch (error) {
    writer.end(lastWords(api, kind, error));
  }
}

/** What is written for each batch, in the order in which the signals say something about the events. */
function createBatchFrames(
  frames: EventFrames,
  start: string,
): (batch: EventBatch) => readonly (string | Buffer)[] {
  let token = start;
  let caughtUp = false;
  return (batch) => {
    const chunks: (string | Buffer)[] = [];
    if (batch.fellBehind) {
      chunks.push(frames.signal('gap', token));
      caughtUp = false;
    }
    if (batch.events.length > 0) chunks.push(frames.events(batch.events));
    token = batch.token;
    if (batch.caughtUp && !caughtUp) {
      chunks.push(frames.signal('caught-up', token));
      caughtUp = true;
    }
    return chunks.length > 0 ? chunks : [frames.heartbeat(token)];
  };
}

/** Why a stream ends that has begun: the log is another one, or something is wrong here. */
function lastWords(api: Api, { frames }: StreamKind, error: unknown): string {
  const reset = resetOf(error);
  if (reset !== undefined) return resetFrame(frames, reset);
  api.context.observer.warn('a stream of events ended unexpectedly', { error });
  return '';
}

/** Leads to the first event there is: what a client made of the log before is of no use any more. */
function resetFrame(frames: EventFrames, { token, reason }: Reset): string {
  return frames.signal('reset', token, { reason });
}
