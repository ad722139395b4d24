import { aheadFailure } from '../consumers/lag.ts';
import { listBuilds } from '../consumers/statements/list-builds.ts';
import { listParkedStreams } from '../consumers/statements/list-parked-streams.ts';
import { moveCheckpoint } from '../consumers/statements/move-checkpoint.ts';
import { noteFailure } from '../consumers/statements/note-failure.ts';
import { parkStream } from '../consumers/statements/park-stream.ts';
import { type ProgressRow, readProgress } from '../consumers/statements/read-progress.ts';
import type { Clock } from '../kernel/clock.ts';
import { createLoop, type Loop } from '../kernel/loop.ts';
import type { Observer } from '../kernel/observer.ts';
import type { Service } from '../kernel/service.ts';
import type { Database } from '../store/database.ts';
import { createDuty, type Duty } from '../store/duty.ts';
import type { WakeUp } from '../store/wake-up.ts';
import { appendBatch } from './append-batch.ts';
import { failureText, stoppedText } from './failure-text.ts';
import { readPage } from './read-events.ts';
import { relayName } from './relay-consumer.ts';
import { retryParkedStream } from './retry-parked.ts';
import { createStreamPump, type PumpedPage, type StreamPump } from './stream-pump.ts';
import { loadTargetMaker, type TargetAddress } from './target/open-target.ts';
import { createTargetSession, type TargetSession } from './target/target-session.ts';

export interface RelaySettings extends TargetAddress {
  /** Whether payloads and results travel with the events that bring them. */
  readonly bodies: boolean;
  /** For one append, in ms; after that the client is given up. */
  readonly timeoutMs: number;
  /** Larger events are parked without being tried. */
  readonly maxEventBytes: number;
  /** Streams appended to at the same time. */
  readonly concurrency: number;
}

export interface RelayOptions {
  readonly database: Database;
  readonly wakeUp: WakeUp;
  /** Tells this process from others. */
  readonly holder: string;
  readonly observer: Observer;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly settings: RelaySettings;
}

/** Events read at once. */
const PAGE = 1_000n;
/** Events read and not settled, and their bytes: a page more than fits. */
const WINDOW = 10_000;
const WINDOW_BYTES = 64 * 1_048_576;
/** How often a checkpoint is written at the most. */
const SAVE_EVERY_MS = 50;
const POLL_MS = 250;
const LEASE_MS = 5_000;

/**
 * Appends the log to KurrentDB, stream by stream. Of all processes one at a time relays; two at once do
 * no harm, as each event has its one place in the target, and its one id.
 * Its checkpoint is the low-water mark: everything up to there is in the target, or parked.
 * Loads the client package. @throws DaybookError `relay-client-missing`, `invalid-options`
 */
export async function createRelay(options: RelayOptions): Promise<Service> {
  const maker = await loadTargetMaker(options.settings);
  const { clock, observer, settings } = options;
  const session = createTargetSession({ maker, clock, observer, timeoutMs: settings.timeoutMs });
  return new Relay(options, session);
}

class Relay implements Service {
  readonly name = 'relay';
  readonly #options: RelayOptions;
  readonly #session: TargetSession;
  readonly #duty: Duty;
  readonly #loop: Loop;
  #stopListening: readonly (() => void)[] = [];
  #build = 0;
  /** Null until the checkpoint is known, and after it turned out to stand elsewhere. */
  #pump: StreamPump | null = null;
  #pages: PumpedPage[] = [];
  #checkpoint = 0n;
  #readUpTo = 0n;
  #savedAt = 0;
  #halted: Error | null = null;

  constructor(options: RelayOptions, session: TargetSession) {
    const { database, holder, clock, random, observer } = options;
    this.#options = options;
    this.#session = session;
    this.#duty = createDuty(database, `consumer ${relayName}`, holder, LEASE_MS, clock);
    this.#loop = createLoop({
      name: 'relay',
      clock,
      random,
      step: () => this.#step(),
      onError: (error) => observer.warn('the relay failed and tries again', { error }),
    });
  }

  start(): Promise<void> {
    const { wakeUp } = this.#options;
    const wake = () => this.#loop.wake();
    this.#stopListening = [wakeUp.on('log', wake), wakeUp.on('consumers', wake)];
    return this.#loop.start();
  }

  async stop(): Promise<void> {
    const { observer } = this.#options;
    for (const stop of this.#stopListening) stop();
    await this.#loop.stop();
    const ending = this.#pump?.stop();
    await this.#session.close();
    await ending;
    await this.#save().catch((error: unknown) => {
      observer.warn('the relay’s checkpoint was not saved; it is relayed again from there', {
        error,
      });
    });
    await this.#duty.leave().catch((error: unknown) => {
      observer.warn('the duty of the relay lapses by itself', { error });
    });
  }

  async #step(): Promise<number> {
    const { database } = this.#options;
    if (!(await this.#duty.held())) {
      await this.#abandon();
      return LEASE_MS / 5;
    }
    const progress = await this.#readProgress();
    if (progress === undefined || progress.halted !== null) {
      await this.#abandon();
      return POLL_MS;
    }
    if (this.#halted !== null) return this.#halt(this.#halted);
    if (progress.position > progress.head) return this.#isAhead(progress);
    const pump = await this.#pumpAt(progress.position);
    await this.#retryParked(pump);
    while (this.#readUpTo < progress.head && hasRoom(pump)) {
      await this.#read(database, pump, progress.head);
    }
    const [oldest] = this.#pages;
    if (oldest === undefined) return POLL_MS;
    const restMs = SAVE_EVERY_MS - (this.#options.clock.elapsedMs() - this.#savedAt);
    if (oldest.left > 0 || restMs > 0) await pump.settled(Math.max(restMs, SAVE_EVERY_MS / 5));
    await this.#save();
    return 0;
  }

  async #readProgress(): Promise<ProgressRow | undefined> {
    const { database } = this.#options;
    if (this.#build === 0) {
      const builds = await database.run(listBuilds, { name: relayName });
      this.#build = builds.find(({ role }) => role === 'live')?.build ?? 0;
    }
    return (await database.run(readProgress, { name: relayName, build: this.#build }))[0];
  }

  /** What pumps from the checkpoint on; another than before where somebody else has moved it. */
  async #pumpAt(position: bigint): Promise<StreamPump> {
    if (this.#pump !== null && this.#checkpoint === position) return this.#pump;
    await this.#abandon();
    const { database, clock, random, settings } = this.#options;
    const { concurrency, maxEventBytes } = settings;
    const pump = createStreamPump({
      append: (events) => appendBatch(this.#session, events),
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
    const consumer = { consumer: relayName, build: this.#build };
    for (const row of await database.run(listParkedStreams, consumer)) {
      pump.parked.add(row.stream_id);
    }
    this.#checkpoint = position;
    this.#readUpTo = position;
    this.#pump = pump;
    return pump;
  }

  async #read(database: Database, pump: StreamPump, head: bigint): Promise<void> {
    const after = this.#readUpTo;
    const upTo = after + PAGE < head ? after + PAGE : head;
    const read = await readPage(database, { after, upTo, bodies: this.#options.settings.bodies });
    const page = { upTo: read.upTo, left: read.events.length };
    this.#pages.push(page);
    this.#readUpTo = read.upTo;
    pump.add(page, read.events);
  }

  /** Moves the checkpoint over the pages that are settled. */
  async #save(): Promise<void> {
    const { database, clock, observer } = this.#options;
    const open = this.#pages.findIndex(({ left }) => left > 0);
    const settled = open === -1 ? this.#pages.length : open;
    const upTo = this.#pages[settled - 1]?.upTo;
    if (upTo === undefined) return;
    const after = this.#checkpoint;
    const busyMs = clock.elapsedMs() - this.#savedAt;
    const move = { name: relayName, build: this.#build, after, upTo, busyMs };
    const moved = await database.run(moveCheckpoint, move);
    this.#savedAt = clock.elapsedMs();
    if (moved.length === 0) return;
    this.#pages.splice(0, settled);
    this.#checkpoint = upTo;
    observer.projected(relayName, Number(upTo - after));
  }

  async #park(
    events: Parameters<typeof appendBatch>[1],
    error: unknown,
    attempts: number,
  ): Promise<void> {
    const { database, observer } = this.#options;
    const [first] = events;
    if (first === undefined) return;
    const { streamId, stream } = first;
    await database.run(parkStream, {
      consumer: relayName,
      build: this.#build,
      streamId,
      positions: events.map(({ position }) => position),
      error: error === null ? null : failureText(error, first.position),
      attempts,
    });
    if (error !== null) {
      observer.warn('a stream cannot be relayed and is parked', { stream, error });
    }
  }

  async #retryParked(pump: StreamPump): Promise<void> {
    if (pump.parked.size === 0) return;
    const { database, settings } = this.#options;
    await retryParkedStream({
      database,
      session: this.#session,
      consumer: relayName,
      build: this.#build,
      bodies: settings.bodies,
      maxBatchBytes: settings.maxEventBytes,
      isBusy: (streamId) => pump.isBusy(streamId),
      relayed: (streamId) => pump.parked.delete(streamId),
    });
  }

  /** What it has relayed is no longer in the log: an operator has to say what becomes of it. */
  async #isAhead({ position, head }: ProgressRow): Promise<number> {
    const { database } = this.#options;
    await this.#abandon();
    const failure = aheadFailure(position, head);
    const at = { name: relayName, build: this.#build, after: position };
    await database.run(noteFailure, { ...at, halt: true, failure });
    return POLL_MS;
  }

  /** Stops at something that only a person can settle. */
  async #halt(error: Error): Promise<number> {
    const { database, observer } = this.#options;
    await this.#pump?.stop();
    await this.#save();
    const at = { name: relayName, build: this.#build, after: this.#checkpoint };
    const failure = stoppedText(failureText(error, this.#checkpoint));
    const { message } = failure;
    observer.warn(`the relay has stopped: ${message}`, { error });
    await database.run(noteFailure, { ...at, halt: true, failure });
    await this.#abandon();
    return POLL_MS;
  }

  async #abandon(): Promise<void> {
    const pump = this.#pump;
    this.#pump = null;
    this.#halted = null;
    this.#pages = [];
    await pump?.stop();
  }
}

function hasRoom({ outstanding, outstandingBytes }: StreamPump): boolean {
  return outstanding < WINDOW && outstandingBytes < WINDOW_BYTES;
}
