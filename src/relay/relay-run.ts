import { listParkedStreams } from '../consumers/statements/list-parked-streams.ts';
import { moveCheckpoint } from '../consumers/statements/move-checkpoint.ts';
import { parkStream } from '../consumers/statements/park-stream.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Observer } from '../kernel/observer.ts';
import type { Database } from '../store/database.ts';
import { appendBatch } from './append-batch.ts';
import { failureText } from './failure-text.ts';
import { readPage } from './read-events.ts';
import { relayName } from './relay-consumer.ts';
import type { RelayEvent } from './relay-event.ts';
import { retryParkedStream } from './retry-parked.ts';
import { createStreamPump, type StreamPump } from './stream-pump.ts';
import type { TargetSession } from './target/target-session.ts';
import type { PumpedPage } from './waiting-stream.ts';

export interface RunSettings {
  /** Whether payloads and results travel with the events that bring them. */
  readonly bodies: boolean;
  /** Larger events are parked without being tried. */
  readonly maxEventBytes: number;
  /** Streams appended to at the same time. */
  readonly concurrency: number;
}

export interface RelayRunOptions {
  readonly database: Database;
  readonly session: TargetSession;
  readonly observer: Observer;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly settings: RunSettings;
  /** Of the checkpoint that it moves. */
  readonly build: number;
  /** Where that stands: what comes behind is relayed. */
  readonly position: bigint;
  /** Of the log. */
  readonly epoch: number;
}

/** Relaying from a checkpoint on, until that stands elsewhere or something stands in the way. */
export interface RelayRun {
  /** The low-water mark: everything up to here is in the target, or parked. */
  readonly checkpoint: bigint;
  /** Of the log that is relayed: in another one its positions are those of other events. */
  readonly epoch: number;
  /** The last position that was read. */
  readonly readUpTo: bigint;
  /** What only a person can settle; nothing more is appended. Else null. */
  readonly halted: Error | null;
  /** Why nothing goes through: the last failure of many in a row; else null. */
  readonly trouble: unknown;
  /** Reads what comes next, as far as there is room for it. @param head where the log ends */
  readAhead(head: bigint): Promise<void>;
  /** Tries some of what is parked again, where an operator wants it. */
  retryParked(): Promise<void>;
  /** Waits until the checkpoint can be moved, for a while, and moves it; false where all was settled before. */
  advance(): Promise<boolean>;
  /** Starts nothing more, waits for what is under way, and moves the checkpoint over what is settled. */
  stop(): Promise<void>;
}

/** Events read at once. */
const PAGE = 1_000n;
/** Events read and not settled, and their bytes: a page more than fits. */
const WINDOW = 10_000;
const WINDOW_BYTES = 64 * 1_048_576;
/** How often a checkpoint is written at the most. */
const SAVE_EVERY_MS = 50;

export async function startRun(options: RelayRunOptions): Promise<RelayRun> {
  const { database, build } = options;
  const parked = await database.run(listParkedStreams, { consumer: relayName, build });
  const run = new Run(options);
  for (const { stream_id: streamId } of parked) run.pump.parked.add(streamId);
  return run;
}

class Run implements RelayRun {
  readonly pump: StreamPump;
  readonly #options: RelayRunOptions;
  #pages: PumpedPage[] = [];
  #checkpoint: bigint;
  #readUpTo: bigint;
  #savedAt: number;
  #halted: Error | null = null;

  constructor(options: RelayRunOptions) {
    const { session, clock, random, settings, position } = options;
    const { concurrency, maxEventBytes } = settings;
    this.#options = options;
    this.#checkpoint = position;
    this.#readUpTo = position;
    this.#savedAt = clock.elapsedMs();
    this.pump = createStreamPump({
      append: (events) => appendBatch(session, events),
      park: (events, error, attempts) => this.#park(events, error, attempts),
      halt: (failure) => {
        this.#halted = failure;
      },
      clock,
      random,
      concurrency,
      maxEventBytes,
      maxBatchBytes: maxEventBytes,
    });
  }

  get checkpoint(): bigint {
    return this.#checkpoint;
  }

  get epoch(): number {
    return this.#options.epoch;
  }

  get readUpTo(): bigint {
    return this.#readUpTo;
  }

  get halted(): Error | null {
    return this.#halted;
  }

  get trouble(): unknown {
    return this.pump.trouble;
  }

  async readAhead(head: bigint): Promise<void> {
    const { database, settings } = this.#options;
    while (this.#readUpTo < head && hasRoom(this.pump)) {
      const after = this.#readUpTo;
      const upTo = after + PAGE < head ? after + PAGE : head;
      const read = await readPage(database, { after, upTo, bodies: settings.bodies });
      const page = { upTo: read.upTo, left: read.events.length };
      this.#pages.push(page);
      this.#readUpTo = read.upTo;
      this.pump.add(page, read.events);
    }
  }

  async retryParked(): Promise<void> {
    const { pump } = this;
    if (pump.parked.size === 0) return;
    const { database, session, settings, build } = this.#options;
    await retryParkedStream({
      database,
      session,
      consumer: relayName,
      build,
      bodies: settings.bodies,
      maxBatchBytes: settings.maxEventBytes,
      isBusy: (streamId) => pump.isBusy(streamId),
      relayed: (streamId) => pump.parked.delete(streamId),
    });
  }

  async advance(): Promise<boolean> {
    const [oldest] = this.#pages;
    if (oldest === undefined) return false;
    const restMs = SAVE_EVERY_MS - (this.#options.clock.elapsedMs() - this.#savedAt);
    if (oldest.left > 0 || restMs > 0) await this.pump.settled(Math.max(restMs, SAVE_EVERY_MS / 5));
    await this.#save();
    return true;
  }

  async stop(): Promise<void> {
    await this.pump.stop();
    await this.#save();
  }

  /** Moves the checkpoint over the pages that are settled. */
  async #save(): Promise<void> {
    const { database, clock, observer, build, epoch } = this.#options;
    const open = this.#pages.findIndex(({ left }) => left > 0);
    const settled = open === -1 ? this.#pages.length : open;
    const upTo = this.#pages[settled - 1]?.upTo;
    if (upTo === undefined) return;
    const after = this.#checkpoint;
    const busyMs = clock.elapsedMs() - this.#savedAt;
    const moved = await database.run(moveCheckpoint, {
      name: relayName,
      build,
      after,
      upTo,
      busyMs,
      epoch,
    });
    this.#savedAt = clock.elapsedMs();
    if (moved.length === 0) return;
    this.#pages.splice(0, settled);
    this.#checkpoint = upTo;
    observer.projected(relayName, Number(upTo - after));
  }

  async #park(events: readonly RelayEvent[], error: unknown, attempts: number): Promise<void> {
    const { database, observer, build } = this.#options;
    const [first] = events;
    if (first === undefined) return;
    const { streamId, stream } = first;
    await database.run(parkStream, {
      consumer: relayName,
      build,
      streamId,
      positions: events.map(({ position }) => position),
      error: error === null ? null : failureText(error, first.position),
      attempts,
    });
    if (error !== null) {
      observer.warn('a stream cannot be relayed and is parked', { stream, error });
    }
  }
}

function hasRoom({ outstanding, outstandingBytes }: StreamPump): boolean {
  return outstanding < WINDOW && outstandingBytes < WINDOW_BYTES;
}
