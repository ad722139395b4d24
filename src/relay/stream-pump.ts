import type { Clock } from '../kernel/clock.ts';
import { TargetMismatch } from './append-batch.ts';
import type { RelayEvent } from './relay-event.ts';
import { TargetFailure } from './target/event-target.ts';
import { backoffMs, createTargetHealth, type TargetHealth } from './target-health.ts';
import {
  type BatchLimits,
  nextBatch,
  type PumpedPage,
  settleFirst,
  type WaitingStream,
  waitingStream,
} from './waiting-stream.ts';

export interface StreamPumpOptions extends BatchLimits {
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
  /** Why nothing goes through: the last failure of many in a row; else null. */
  readonly trouble: unknown;
  /** True while events of the stream are added and not settled. */
  isBusy(streamId: string): boolean;
  /** Resolves when all of a page was settled, or after a while. */
  settled(ms: number): Promise<void>;
  /** Starts nothing more, and resolves once nothing is under way. */
  stop(): Promise<void>;
}

/** So often a stream may fail, while others go through, until it is parked. */
const FAILURES_OF_ONE = 25;

export function createStreamPump(options: StreamPumpOptions): StreamPump {
  return new Pump(options);
}

class Pump implements StreamPump {
  readonly parked = new Set<string>();
  readonly #options: StreamPumpOptions;
  readonly #streams = new Map<string, WaitingStream>();
  readonly #ready: WaitingStream[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #cancels = new Set<() => void>();
  readonly #health: TargetHealth;
  #outstanding = 0;
  #outstandingBytes = 0;
  #stopped = false;
  #tell: () => void = () => undefined;

  constructor(options: StreamPumpOptions) {
    this.#options = options;
    this.#health = createTargetHealth(options.clock, options.random);
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  get outstandingBytes(): number {
    return this.#outstandingBytes;
  }

  get trouble(): unknown {
    return this.#health.trouble;
  }

  add(page: PumpedPage, events: readonly RelayEvent[]): void {
    this.#outstanding += events.length;
    for (const event of events) {
      this.#outstandingBytes += event.bytes;
      this.#streamOf(event).queue.push({ event, page });
    }
    this.#run();
  }

  #streamOf({ streamId }: RelayEvent): WaitingStream {
    const known = this.#streams.get(streamId);
    if (known !== undefined) return known;
    const made = waitingStream(streamId);
    this.#streams.set(streamId, made);
    this.#ready.push(made);
    return made;
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
    if (this.#stopped || this.#ready.length === 0) return;
    const { restMs } = this.#health;
    if (restMs > 0) {
      this.#later(restMs, () => this.#run());
      return;
    }
    while (this.#running.size < this.#options.concurrency) {
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
  async #advance(stream: WaitingStream): Promise<void> {
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

  async #appendBatch(stream: WaitingStream): Promise<void> {
    const events = nextBatch(stream, this.#options);
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
    this.#health.succeeded();
    this.#settle(stream, stream.batch);
  }

  async #refused(stream: WaitingStream, error: TargetFailure): Promise<void> {
    const isOfAll = this.#health.refused();
    // A batch may be too large where each of its events alone is not.
    if (error.reason === 'maximum-append-size-exceeded' && stream.batch > 1) {
      stream.batch = 1;
      return;
    }
    if (isOfAll) {
      this.#halt(error);
      throw error;
    }
    await this.#putAside(stream, error);
  }

  async #putAside(stream: WaitingStream, error: unknown): Promise<void> {
    const count = stream.queue.length;
    const events = stream.queue.map(({ event }) => event);
    // What waits behind others was never tried.
    await this.#options.park(events, error, error === null ? 0 : stream.attempts + 1);
    this.parked.add(stream.streamId);
    this.#settle(stream, count);
  }

  #settle(stream: WaitingStream, count: number): void {
    const { bytes, endedPage } = settleFirst(stream, count);
    this.#outstanding -= count;
    this.#outstandingBytes -= bytes;
    if (endedPage) this.#tell();
  }

  #failed(stream: WaitingStream, error: unknown): void {
    if (this.#stopped) return;
    if (error instanceof TargetMismatch) {
      this.#halt(error);
      return;
    }
    this.#health.failed(error);
    const { successes } = this.#health;
    if (stream.attempts === 0) stream.successesBefore = successes;
    stream.attempts += 1;
    const others = successes - stream.successesBefore;
    if (stream.attempts >= FAILURES_OF_ONE && others >= FAILURES_OF_ONE) stream.stuck = error;
    this.#later(backoffMs(stream.attempts, this.#options.random), () => {
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
