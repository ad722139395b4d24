import type { BatchCall } from './batch-call.ts';
import {
  type EventTarget,
  type ExpectedRevision,
  failureKindOf,
  mustEndAt,
  type StoredTargetEvent,
  type TargetEvent,
  TargetFailure,
  type TargetPosition,
} from './event-target.ts';

/** What both client packages have in common, as far as it is used here. */
export interface KurrentClient {
  appendToStream(
    stream: string,
    events: unknown[],
    options: object,
  ): Promise<{ readonly nextExpectedRevision?: bigint }>;
  readStream(stream: string, options: object): AsyncIterable<ResolvedEvent>;
  readAll(options: object): AsyncIterable<ResolvedEvent>;
  dispose(): Promise<void>;
}

interface ResolvedEvent {
  readonly event?: {
    readonly streamId: string;
    readonly revision: bigint;
    readonly id: string;
    readonly type: string;
    readonly data: unknown;
    readonly metadata?: unknown;
    readonly position?: TargetPosition | undefined;
  };
}

/** What they differ in. */
export interface KurrentDialect {
  /** The option of an append that says what must be there. */
  readonly expectedOption: 'expectedRevision' | 'streamState';
  jsonEvent(event: TargetEvent): unknown;
}

export interface KurrentTargetOptions {
  readonly client: KurrentClient;
  readonly dialect: KurrentDialect;
  /** Credentials with each append make the client use one call for each, and not one for all. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** How batches are appended, where that is not left to the client. */
  readonly batches?: BatchCall;
}

/** How the target is read and written by a client of Kurrent's. */
export function createKurrentTarget(options: KurrentTargetOptions): EventTarget {
  const { client, dialect, credentials, batches } = options;
  const common = credentials === undefined ? {} : { credentials };
  return {
    async append(stream, events, expected) {
      if (batches !== undefined) return batches.append(stream, events, expected);
      const proposed = events.map((event) => dialect.jsonEvent(event));
      const expectation = { [dialect.expectedOption]: expectationOf(expected) };
      try {
        const told = await client.appendToStream(stream, proposed, { ...common, ...expectation });
        mustEndAt(told.nextExpectedRevision, expected, events.length);
      } catch (error) {
        throw failureOf(error);
      }
    },
    async *readStream(stream, { from = 0n, limit } = {}) {
      const bound = limit === undefined ? {} : { maxCount: limit };
      try {
        yield* stored(client.readStream(stream, { fromRevision: from, ...bound }));
      } catch (error) {
        const failure = failureOf(error);
        if (failure.reason !== 'stream-not-found') throw failure;
      }
    },
    async *readAll({ after } = {}) {
      try {
        const from = after === undefined ? {} : { fromPosition: after };
        for await (const event of stored(client.readAll(from))) {
          if (after !== undefined && event.position?.commit === after.commit) continue;
          if (!event.stream.startsWith('$') && !event.type.startsWith('$')) yield event;
        }
      } catch (error) {
        throw failureOf(error);
      }
    },
    close: () => client.dispose(),
  };
}

function expectationOf(expected: ExpectedRevision): bigint | 'no_stream' {
  return expected === 'no-stream' ? 'no_stream' : expected;
}

async function* stored(events: AsyncIterable<ResolvedEvent>): AsyncIterable<StoredTargetEvent> {
  for await (const { event } of events) {
    if (event === undefined) continue;
    const { streamId: stream, revision, id, type, data, metadata, position = null } = event;
    yield { stream, revision, id, type, data, metadata, position };
  }
}

/** The status of gRPC for a wrong password: it may be put right, and no single stream is refused by it. */
const UNAUTHENTICATED = 16;

/** Tells errors of the clients apart by the type that both give them. */
function failureOf(error: unknown): TargetFailure {
  if (error instanceof TargetFailure) return error;
  const { type, message, code } = (error ?? {}) as Readonly<Record<string, unknown>>;
  const reason = typeof type === 'string' ? type : 'unknown';
  const kind = code === UNAUTHENTICATED ? 'transient' : failureKindOf(reason);
  const text = typeof message === 'string' && message !== '' ? message : reason;
  if (kind !== 'wrong-version') return new TargetFailure(kind, reason, text, { cause: error });
  return new TargetFailure(kind, reason, text, { cause: error, ...actualOf(error) });
}

function actualOf(error: unknown): { actual?: bigint | null } {
  const { actualVersion, actualState } = error as Record<string, unknown>;
  const told = actualVersion ?? actualState;
  if (typeof told === 'bigint') return { actual: told };
  return told === 'no_stream' ? { actual: null } : {};
}
