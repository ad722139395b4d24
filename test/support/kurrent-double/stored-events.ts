/** An event as a writer proposes it. */
export interface Proposed {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/** An event as the double keeps it. */
export interface Stored extends Proposed {
  readonly stream: string;
  readonly revision: bigint;
  /** Commit and prepare position, which are the same here: any numbers that grow. */
  readonly position: bigint;
  readonly createdAtMs: number;
}

export type Expected = bigint | 'no-stream' | 'any' | 'stream-exists';

export type AppendResult =
  | { readonly kind: 'appended'; readonly revision: bigint; readonly position: bigint }
  | { readonly kind: 'wrong-version'; readonly current: bigint | null; readonly expected: Expected }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'too-large'; readonly limit: number };

/**
 * What the server keeps, with its rules of idempotency (KurrentDB v26.1.0, `IndexWriter.CheckCommit`):
 * with an explicit revision, or none for a new stream, a write whose ids all stand at those numbers
 * already is a success, however old; where the first differs, or a later one, it is a wrong version.
 * With `any` and `stream-exists` only ids that were seen lately are known again.
 */
export interface StoredEvents {
  append(stream: string, expected: Expected, events: readonly Proposed[]): AppendResult;
  /** The events of a stream that can be read; undefined where there is none. */
  stream(name: string): readonly Stored[] | undefined;
  /** Every event, in the order of positions. */
  readonly all: readonly Stored[];
  /** Called after each write until the answer is called. */
  onAppend(listener: () => void): () => void;
  /** Tombstones a stream: nothing is ever appended to it again. */
  tombstone(stream: string): void;
  isTombstoned(stream: string): boolean;
  /**
   * Deletes a stream without scavenging it: nothing of it can be read in the stream any more. A write of
   * the same ids at the same numbers is a success still, and any other one to a new stream is taken, and counts on.
   */
  deleteSoftly(stream: string): void;
  /** Forgets a stream, as deleting and scavenging it do, or a restored backup of the server. */
  forget(stream: string, fromRevision?: bigint): void;
  /** Bytes of data and metadata that one append may have; default 1 MiB, as servers up to 25.0 have it. */
  maxAppendBytes: number;
}

/** Positions of a real server are offsets in a file: they grow by more than one. */
const STEP = 128n;

export function createStoredEvents(): StoredEvents {
  const streams = new Map<string, Stored[]>();
  const tombstones = new Set<string>();
  /** How many of the first events of a stream are hidden. */
  const hidden = new Map<string, number>();
  const listeners = new Set<() => void>();
  const seen = new Map<string, Stored>();
  let all: Stored[] = [];
  let lastPosition = 0n;

  const write = (stream: string, events: readonly Proposed[]): AppendResult => {
    const kept = streams.get(stream) ?? [];
    streams.set(stream, kept);
    for (const event of events) {
      lastPosition += STEP;
      const revision = BigInt(kept.length);
      const createdAtMs = Date.now();
      const stored = { ...event, stream, revision, position: lastPosition, createdAtMs };
      kept.push(stored);
      all.push(stored);
      seen.set(event.id, stored);
    }
    for (const listener of listeners) listener();
    return { kind: 'appended', revision: BigInt(kept.length - 1), position: lastPosition };
  };

  const appendAt = (
    stream: string,
    expected: bigint,
    events: readonly Proposed[],
  ): AppendResult => {
    const kept = streams.get(stream) ?? [];
    const last = BigInt(kept.length) - 1n;
    if (last === expected) return write(stream, events);
    const first = Number(expected) + 1;
    const isThere = events.every((event, index) => kept[first + index]?.id === event.id);
    const end = kept[first + events.length - 1];
    if (last > expected && isThere && end !== undefined) {
      return { kind: 'appended', revision: end.revision, position: end.position };
    }
    const isDeleted = hidden.get(stream) === kept.length;
    if (isDeleted && expected === -1n && kept[0]?.id !== events[0]?.id)
      return write(stream, events);
    const shown = expected === -1n ? 'no-stream' : expected;
    return { kind: 'wrong-version', current: kept.length === 0 ? null : last, expected: shown };
  };

  return {
    maxAppendBytes: 1_048_576,
    append(stream, expected, events) {
      if (tombstones.has(stream)) return { kind: 'deleted' };
      const bytes = events.reduce(
        (sum, { data, metadata }) => sum + data.length + metadata.length,
        0,
      );
      if (bytes > this.maxAppendBytes) return { kind: 'too-large', limit: this.maxAppendBytes };
      if (typeof expected === 'bigint') return appendAt(stream, expected, events);
      if (expected === 'no-stream') return appendAt(stream, -1n, events);
      if (expected === 'stream-exists' && !streams.has(stream)) {
        return { kind: 'wrong-version', current: null, expected };
      }
      const known = events.map(({ id }) => seen.get(id)).filter((each) => each?.stream === stream);
      const end = known.at(-1);
      if (known.length === events.length && end !== undefined) {
        return { kind: 'appended', revision: end.revision, position: end.position };
      }
      return write(stream, events);
    },
    stream(name) {
      const shown = streams.get(name)?.slice(hidden.get(name) ?? 0);
      return shown?.length === 0 ? undefined : shown;
    },
    get all() {
      return all;
    },
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tombstone(stream) {
      this.forget(stream);
      tombstones.add(stream);
    },
    deleteSoftly(stream) {
      hidden.set(stream, streams.get(stream)?.length ?? 0);
    },
    isTombstoned: (stream) => tombstones.has(stream),
    forget(stream, fromRevision = 0n) {
      const kept = streams.get(stream) ?? [];
      const gone = new Set(kept.splice(Number(fromRevision)));
      if (kept.length === 0) streams.delete(stream);
      hidden.delete(stream);
      all = all.filter((event) => !gone.has(event));
    },
  };
}
