import type { Clock } from '../kernel/clock.ts';
import { TargetMismatch } from './append-batch.ts';
import type { RelayEvent } from './relay-event.ts';
import { TargetFailure } from './target/event-target.ts';

export interface StreamPumpOptions {
  /** Resolves once all of them are in the target. */
  append(events: readonly RelayEvent[]): Promise<void>;
  /** Puts events of one stream aside. @param error of the first; null for those that wait behind others */
  park(events: readonly RelayEvent[], error: unknown, attempts: number): Promise<void>;
  /** Called once: nothing more is appended. */
  halt(failure: Error): void;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Streams appended to at the same time. */
  readonly concurrency: number;
  /** Bytes of one append, at the most, but for an event that is larger by itself. */
  readonly maxBatchBytes: number;
  /** An event larger than this is never tried. */
  readonly maxEventBytes: number;
}

/** A stretch of the log of which so many events are not in the target yet. */
export interface PumpedPage {
  readonly upTo: bigint;
  left: number;
}

/**
 * Appends streams beside each other, and each of them in order: at most one batch of a stream is under
 * way. A batch that has to be tried again keeps its bounds.
 */
export interface StreamPump {
  /** Adds what comes next in the log. */
  add(page: PumpedPage, events: readonly RelayEvent[]): void;
  /** Events added and not settled, and about how many bytes they have. */
  readonly outstanding: number;
  readonly outstandingBytes: number;
  /** Streams of which something is parked: what comes of them is parked too. */
  readonly parked: Set<string>;
  /** True while events of the stream are added and not settled. */
  isBusy(streamId: string): boolean;
  /** Resolves when all of a page was settled, or after a while. */
  settled(ms: number): Promise<void>;
  /** Starts nothing more, and resolves once nothing is under way. */
  stop(): Promise<void>;
}

const MAX_BATCH_EVENTS = 500;
const MAX_PAUSE_MS = 1_500;
/** So many refusals with no success between them are the target's doing, and not that of the streams. */
const REFUSALS_IN_A_ROW = 20;
/** So often a stream may fail, while others go through, until it is parked. */
const FAILURES_OF_ONE = 25;
/** Fewer failures in a row than this are chance, and no reason to leave the target alone. */
const FAILURES_OF_ALL = 4;

const ONE_FAILURE_MS = 100;

interface Waiting {
  readonly streamId: string;
  queue: { readonly event: RelayEvent; readonly page: PumpedPage }[];
  /** How many of the first belong to the batch that is tried; 0 before it was chosen. */
  batch: number;
  attempts: number;
  /** Successes of all streams when its first attempt failed. */
  successesBefore: number;
  /** It alone does not go through, whatever its error is called. */
  stuck: unknown;
}

export function createStreamPump(options: StreamPumpOptions): StreamPump {
  return new Pump(options);
}

class Pump implements StreamPump {
  readonly parked = new Set<string>();
  readonly #options: StreamPumpOptions;
  readonly #streams = new Map<string, Waiting>();
  readonly #ready: Waiting[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #cancels = new Set<() => void>();
  #outstanding = 0;
  #outstandingBytes = 0;
  #stopped = false;
  #successes = 0;
  #refusals = 0;
  #failures = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #pausedUntil = 0;
  #tell: () => void = () => undefined;

  constructor(options: StreamPumpOptions) {
    this.#options = options;
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  get outstandingBytes(): number {
    return this.#outstandingBytes;
  }

  add(page: PumpedPage, events: readonly RelayEvent[]): void {
    this.#outstanding += events.length;
    for (const event of events) {
      this.#outstandingBytes += event.bytes;
      const known = this.#streams.get(event.streamId);
      if (known !== undefined) known.queue.push({ event, page });
      else {
        const { streamId } = event;
        const queue = [{ event, page }];
        const stream = { streamId, queue, batch: 0, attempts: 0, successesBefore: 0, stuck: null };
        this.#streams.set(streamId, stream);
        this.#ready.push(stream);
      }
    }
    this.#run();
  }

  isBusy(streamId: string): boolean {
    return this.#streams.has(streamId);
  }

  async settled(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      this.#tell = () => {
        cancel();
        resolve();
      };
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#cancels) cancel();
    await Promise.allSettled(this.#running);
  }

  #run(): void {
    const { concurrency, clock } = this.#options;
    if (this.#stopped || this.#ready.length === 0) return;
    const pauseMs = this.#pausedUntil - clock.elapsedMs();
    if (pauseMs > 0) {
      this.#later(pauseMs, () => this.#run());
      return;
    }
    while (this.#running.size < concurrency) {
      const stream = this.#ready.shift();
      if (stream === undefined) return;
      const running = this.#advance(stream).finally(() => {
        this.#running.delete(running);
        this.#run();
      });
      this.#running.add(running);
    }
  }

  #later(ms: number, then: () => void): void {
    const cancel = this.#options.clock.after(ms, () => {
      this.#cancels.delete(cancel);
      then();
    });
    this.#cancels.add(cancel);
  }

  /** Takes a stream one batch further. Never rejects. */
  async #advance(stream: Waiting): Promise<void> {
    try {
      if (this.parked.has(stream.streamId)) await this.#putAside(stream, null);
      else if (stream.stuck !== null) await this.#putAside(stream, stream.stuck);
      else await this.#appendBatch(stream);
    } catch (error) {
      this.#failed(stream, error);
      return;
    }
    if (stream.queue.length > 0) this.#ready.push(stream);
    else this.#streams.delete(stream.streamId);
  }

  async #appendBatch(stream: Waiting): Promise<void> {
    if (stream.batch === 0) stream.batch = this.#batchOf(stream);
    const events = stream.queue.slice(0, stream.batch).map(({ event }) => event);
    const [first] = events;
    if (first !== undefined && first.bytes > this.#options.maxEventBytes) {
      const message = `The event has about ${first.bytes} bytes; the target takes ${this.#options.maxEventBytes}.`;
      await this.#putAside(stream, new TargetFailure('refused', 'event-too-large', message));
      return;
    }
    try {
      await this.#options.append(events);
    } catch (error) {
      if (!(error instanceof TargetFailure) || error.kind !== 'refused') throw error;
      await this.#refused(stream, error);
      return;
    }
    this.#successes += 1;
    this.#refusals = 0;
    this.#failures = 0;
    this.#settle(stream, stream.batch);
  }

  /** As many of the first as fit into one append; what is too large by itself is left for its turn. */
  #batchOf({ queue }: Waiting): number {
    const { maxBatchBytes, maxEventBytes } = this.#options;
    let bytes = 0;
    const end = queue.findIndex(({ event }, index) => {
      bytes += event.bytes;
      if (index === 0) return false;
      return bytes > maxBatchBytes || index >= MAX_BATCH_EVENTS || event.bytes > maxEventBytes;
    });
    return end === -1 ? queue.length : end;
  }

  async #refused(stream: Waiting, error: TargetFailure): Promise<void> {
    this.#refusals += 1;
    // A batch may be too large where each of its events alone is not.
    if (error.reason === 'maximum-append-size-exceeded' && stream.batch > 1) {
      stream.batch = 1;
      return;
    }
    if (this.#refusals >= REFUSALS_IN_A_ROW) {
      this.#halt(error);
      throw error;
    }
    await this.#putAside(stream, error);
  }

  async #putAside(stream: Waiting, error: unknown): Promise<void> {
    const count = stream.queue.length;
    const events = stream.queue.map(({ event }) => event);
    await this.#options.park(events, error, stream.attempts + 1);
    this.parked.add(stream.streamId);
    this.#settle(stream, count);
  }

  #settle(stream: Waiting, count: number): void {
    let ended = false;
    for (const { event, page } of stream.queue.splice(0, count)) {
      this.#outstandingBytes -= event.bytes;
      page.left -= 1;
      ended ||= page.left === 0;
    }
    this.#outstanding -= count;
    stream.batch = 0;
    stream.attempts = 0;
    if (ended) this.#tell();
  }

  #failed(stream: Waiting, error: unknown): void {
    if (this.#stopped) return;
    if (error instanceof TargetMismatch) {
      this.#halt(error);
      return;
    }
    const { random, clock } = this.#options;
    if (stream.attempts === 0) stream.successesBefore = this.#successes;
    stream.attempts += 1;
    // What breaks for one breaks for all that are under way, and is one failure.
    if (clock.elapsedMs() - this.#failedAt > ONE_FAILURE_MS) {
      this.#failures += 1;
      this.#failedAt = clock.elapsedMs();
    }
    const others = this.#successes - stream.successesBefore;
    if (stream.attempts >= FAILURES_OF_ONE && others >= FAILURES_OF_ONE) stream.stuck = error;
    if (this.#failures >= FAILURES_OF_ALL) {
      const pauseMs = backoffMs(this.#failures - FAILURES_OF_ALL, random);
      this.#pausedUntil = Math.max(this.#pausedUntil, clock.elapsedMs() + pauseMs);
    }
    this.#later(backoffMs(stream.attempts, random), () => {
      this.#ready.push(stream);
      this.#run();
    });
  }

  #halt(error: Error): void {
    this.#stopped = true;
    this.#options.halt(error);
    this.#tell();
  }
}

/** Half fixed, half chance, as all of Daybook's pauses after failures. */
function backoffMs(tries: number, random: () => number): number {
  const ceiling = Math.min(MAX_PAUSE_MS, 50 * 2 ** Math.min(tries, 10));
  return Math.ceil(ceiling / 2 + (ceiling / 2) * random());
}
