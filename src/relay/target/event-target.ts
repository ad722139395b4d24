/** An event as it is appended to the target. */
export interface TargetEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Where the target keeps an event in its own order over all streams. */
export interface TargetPosition {
  readonly commit: bigint;
  readonly prepare: bigint;
}

/** An event as the target has it. */
export interface StoredTargetEvent {
  readonly stream: string;
  /** From 0. */
  readonly revision: bigint;
  readonly id: string;
  readonly type: string;
  /** As it was appended; whatever a foreign writer wrote. */
  readonly data: unknown;
  readonly metadata: unknown;
  readonly position: TargetPosition | null;
}

/** The last revision that must be there before an append; none for a new stream. */
export type ExpectedRevision = bigint | 'no-stream';

/**
 * What the relay and its readers need of KurrentDB. Reads and appends may never answer: whoever calls
 * brings a time of their own (`createTargetSession` does).
 */
export interface EventTarget {
  /** @throws TargetFailure, `wrong-version` also where the events were taken, and stand elsewhere */
  append(stream: string, events: readonly TargetEvent[], expected: ExpectedRevision): Promise<void>;
  /** A stream from a revision on, in order; nothing where there is no such stream. @throws TargetFailure */
  readStream(
    stream: string,
    range?: { readonly from?: bigint; readonly limit?: number },
  ): AsyncIterable<StoredTargetEvent>;
  /**
   * Every event of every stream in the target's order, its own system events (`$…`) left out.
   * @param range `after` is exclusive @throws TargetFailure
   */
  readAll(range?: { readonly after?: TargetPosition }): AsyncIterable<StoredTargetEvent>;
  /** Ends what is under way; what was asked of it may never answer. */
  close(): Promise<void>;
}

export type FailureKind =
  /** The stream ends elsewhere than was expected. */
  | 'wrong-version'
  /** It may work the next time; whether it was written is unknown. */
  | 'transient'
  /** It will not work the next time either: too large, not allowed, the stream is tombstoned. */
  | 'refused';

/** Why the target did not do what was asked. */
export class TargetFailure extends Error {
  readonly kind: FailureKind;
  /** The client's name for it, such as `unavailable`. */
  readonly reason: string;
  /** Of a wrong version: the last revision there is; null without any, undefined where it was not told. */
  readonly actual: bigint | null | undefined;

  constructor(
    kind: FailureKind,
    reason: string,
    message: string,
    details: { readonly actual?: bigint | null; readonly cause?: unknown } = {},
  ) {
    super(inOneLine(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TargetFailure';
    this.kind = kind;
    this.reason = reason;
    this.actual = details.actual;
  }
}

/** What gRPC says may go over several lines, and end with the heading of a note that it does not have. */
function inOneLine(text: string): string {
  return text.replace(/\s*Resolution note:\s*$/, '').replaceAll(/\s*\n\s*/g, ' ');
}

/**
 * Holds what the target says of an append against what was expected. A stream that was deleted, and not
 * scavenged, counts on: it takes events as those of a new stream, and puts them behind the old ones.
 * @param revision of the last event, as the target told it @throws TargetFailure `wrong-version`
 */
export function mustEndAt(
  revision: bigint | undefined,
  expected: ExpectedRevision,
  events: number,
): void {
  const before = expected === 'no-stream' ? -1n : expected;
  if (revision === undefined || revision === before + BigInt(events)) return;
  const message = `The target has put the events elsewhere: the last one at revision ${revision}.`;
  throw new TargetFailure('wrong-version', 'other-revision', message, { actual: revision });
}

/** What will not work the next time either. All else may, also what the clients know no name for. */
const refusals = new Set([
  'maximum-append-size-exceeded',
  'stream-deleted',
  'access-denied',
  'invalid-argument',
  'missing-required-metadata-property',
]);

/** @param reason the client's name for it */
export function failureKindOf(reason: string): FailureKind {
  if (reason === 'wrong-expected-version') return 'wrong-version';
  return refusals.has(reason) ? 'refused' : 'transient';
}
