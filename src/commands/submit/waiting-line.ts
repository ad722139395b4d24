import type { Clock } from '../../kernel/clock.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { SubmittedJobRow } from '../../store/statements/submit-jobs.ts';

/** A submission that waits for the statement that writes it. */
export interface Waiting {
  readonly rows: readonly SubmittedJobRow[];
  readonly resolve: (occurredAtMs: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Jobs, and bytes of their payloads, that may wait at the most. */
const MAX_JOBS = 100_000;
const MAX_BYTES = 128 * 1_048_576;
/** How long one may wait before it is refused, in ms. */
const MAX_MS = 5_000;

/**
 * Submissions that wait, in the order in which they came; bounded in number, bytes and time, so that a
 * database that is slow is heard of at once, and not when memory is full.
 */
export class WaitingLine {
  readonly #clock: Clock;
  #line: (Waiting & { readonly since: number })[] = [];
  #jobs = 0;
  #bytes = 0;
  #stopTimer: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get length(): number {
    return this.#line.length;
  }

  /** Of all who wait. */
  get jobs(): number {
    return this.#jobs;
  }

  get isEmpty(): boolean {
    return this.#line.length === 0;
  }

  /** @throws DaybookError `overloaded` where too much waits already */
  join(waiting: Waiting): void {
    const { rows, resolve, reject } = waiting;
    const isFull =
      this.#jobs + rows.length > MAX_JOBS || this.#bytes + bytesOf(waiting) > MAX_BYTES;
    if (isFull && !this.isEmpty) throw overloaded('Too many other submissions wait.');
    // Not by spreading: of objects made so V8 keeps something until the next full collection, and each
    // collection of young objects before that took a millisecond longer.
    this.#line.push({ rows, resolve, reject, since: this.#clock.elapsedMs() });
    this.#jobs += rows.length;
    this.#bytes += bytesOf(waiting);
  }

  /** Takes the oldest, up to so many, their jobs and bytes, and at least one; none where none waits. */
  take(most: number, maxJobs: number, maxBytes: number): Waiting[] {
    let jobs = 0;
    let bytes = 0;
    const fits = this.#line.findIndex((each, index) => {
      jobs += each.rows.length;
      bytes += bytesOf(each);
      return index === most || jobs > maxJobs || bytes > maxBytes;
    });
    return this.#leave(fits === -1 ? this.#line.length : Math.max(1, fits));
  }

  /** To be called after submissions have come or gone: keeps time for the oldest, if there is one. */
  keepTime(): void {
    const [first] = this.#line;
    if (first === undefined) {
      this.#stopTimer?.();
      this.#stopTimer = null;
    } else {
      const leftMs = first.since + MAX_MS - this.#clock.elapsedMs();
      this.#stopTimer ??= this.#clock.after(Math.max(1, leftMs), () => this.#refuseLate());
    }
  }

  #refuseLate(): void {
    this.#stopTimer = null;
    const now = this.#clock.elapsedMs();
    const inTime = this.#line.findIndex(({ since }) => now - since < MAX_MS);
    for (const { reject } of this.#leave(inTime === -1 ? this.#line.length : inTime)) {
      reject(overloaded(`It waited for ${MAX_MS} ms, and was not written.`));
    }
    this.keepTime();
  }

  #leave(count: number): Waiting[] {
    const left = this.#line.splice(0, count);
    for (const each of left) {
      this.#jobs -= each.rows.length;
      this.#bytes -= bytesOf(each);
    }
    return left;
  }
}

function bytesOf({ rows }: Pick<Waiting, 'rows'>): number {
  let bytes = 0;
  for (const { payloadBytes } of rows) bytes += payloadBytes;
  return bytes;
}

function overloaded(why: string): DaybookError {
  return new DaybookError('overloaded', `The database takes submissions too slowly. ${why}`);
}
