import { Observable } from 'rxjs';
import { type ClientOptions, createConnection } from './connection.ts';
import { feedEvents, type FeedOptions, type ReceivedEvent } from './event-feed.ts';
import type { JobDetail, JobListFilter, JobPage, JobRequest, WrittenJob } from './job-shapes.ts';
import { RequestFailed, succeeded } from './request-failed.ts';

export type { CloudEvent } from '../domain/cloud-event.ts';
export type { EventFilter } from '../domain/event-filter.ts';
export type { ClientOptions } from './connection.ts';
export type { Reset, SignalListeners } from '../domain/log-signals.ts';
export type { FeedOptions, ReceivedEvent } from './event-feed.ts';
export type {
  JobDetail,
  JobListFilter,
  JobPage,
  JobPhaseName,
  JobRequest,
  JobSummary,
  WrittenJob,
} from './job-shapes.ts';
export { RequestFailed } from './request-failed.ts';

export interface SubmitOptions {
  /** For a day, the same key answers the same job. */
  readonly idempotencyKey?: string;
  /** Who asks, for the history. */
  readonly actor?: string;
}

/** A Daybook server, from anywhere that has `fetch`. Every method throws RequestFailed. */
export interface Client {
  submit(job: JobRequest, options?: SubmitOptions): Promise<WrittenJob>;
  /** One job, always up to date; null for an unknown id. */
  get(id: string): Promise<JobDetail | null>;
  list(filter?: JobListFilter): Promise<JobPage>;
  /** The log as it grows; comes back by itself after a lost connection, and waits for its reader. */
  events(options?: FeedOptions): AsyncGenerator<ReceivedEvent, void, void>;
  /** The same as a cold Observable. */
  events$(options?: FeedOptions): Observable<ReceivedEvent>;
}

export function createClient(options: ClientOptions): Client {
  const connection = createConnection(options);
  const read = async <Answer>(path: string, init?: RequestInit): Promise<Answer> => {
    const answer = await succeeded(await connection.request(path, init));
    return (await answer.json()) as Answer;
  };
  return {
    submit(job, { idempotencyKey, actor } = {}) {
      const headers = {
        'content-type': 'application/json',
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        ...(actor === undefined ? {} : { 'x-actor': actor }),
      };
      return read('/v1/jobs', { method: 'POST', headers, body: JSON.stringify(job) });
    },
    async get(id) {
      try {
        return await read<JobDetail>(`/v1/jobs/${encodeURIComponent(id)}`);
      } catch (error) {
        if (error instanceof RequestFailed && error.code === 'job-not-found') return null;
        throw error;
      }
    },
    list(filter = {}) {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(filter as Record<string, string | number>)) {
        query.set(name, String(value));
      }
      return read(`/v1/jobs?${query.toString()}`);
    },
    events: (wanted) => feedEvents(connection, wanted),
    events$: (wanted) =>
      observed((signal) => feedEvents(connection, { ...wanted, signal }), wanted),
  };
}

/** A cold Observable of an iterator that ends with a signal. */
function observed(
  open: (signal: AbortSignal) => AsyncIterable<ReceivedEvent>,
  { signal }: FeedOptions = {},
): Observable<ReceivedEvent> {
  return new Observable((subscriber) => {
    const ended = new AbortController();
    const end = () => ended.abort();
    if (signal?.aborted === true) end();
    signal?.addEventListener('abort', end, { once: true, signal: ended.signal });
    const emit = async () => {
      for await (const received of open(ended.signal)) subscriber.next(received);
    };
    emit().then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    );
    return end;
  });
}
