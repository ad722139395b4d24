import type { Clock } from '../../kernel/clock.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { createLoop, type Loop } from '../../kernel/loop.ts';
import type { Observer } from '../../kernel/observer.ts';
import type { Database } from '../../store/database.ts';
import type { WakeUp } from '../../store/wake-up.ts';
import { type LogBounds, type LogPage, type PageWish, readBounds, readPage } from './log-page.ts';
import { createLogRing, type LogRing, type RingLimits } from './log-ring.ts';
import { createSharedPages, type SharedPages } from './shared-pages.ts';
import { createReadingTurns } from '../reading-turns.ts';

export interface LogTailOptions {
  readonly database: Database;
  readonly tenantId: number;
  readonly wakeUp: WakeUp;
  readonly observer: Observer;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly ring?: RingLimits | undefined;
}

/** One who reads along. */
export interface TailMember {
  /** It has read up to here. */
  readonly position: bigint;
  /** When it last asked for more, by the tail's clock; in ms. */
  readonly askedAtMs: number;
  /** Called whenever there may be more. */
  wake(): void;
}

/** The ring, and the epoch that its positions belong to. */
export interface Following {
  readonly ring: LogRing;
  readonly epoch: number;
}

/**
 * Follows the end of the log for all subscribers of one process: every event is read once, kept in a
 * bounded ring, and handed to whoever keeps up. Without subscribers it reads nothing and keeps nothing.
 */
export interface LogTail {
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly observer: Observer;
  /** Subscriptions that are open now. */
  readonly subscribers: number;
  /**
   * Joins in: from now on the log is followed, and the ring holds what the member has yet to read of it,
   * within its bounds.
   * @returns how to leave
   * @throws DaybookError `database-unavailable`, `closed`
   */
  join(member: TailMember): Promise<() => void>;
  /**
   * What is followed now; null once the tail was stopped. Another object than before: the log is no
   * longer the one it was (another epoch, or shorter), and places in it must be looked at anew.
   */
  readonly following: Following | null;
  /** Reads from the log itself; few do so at a time, whoever asks. */
  read(wish: Omit<PageWish, 'tenantId'>): Promise<LogPage>;
  /**
   * Reads on from a position without a filter; shared with others who are there at about the same time.
   * @param epoch of the position
   */
  readShared(after: bigint, epoch: number): Promise<LogPage>;
  bounds(): Promise<LogBounds>;
  /** Ends every subscription. May be called any number of times. */
  stop(): Promise<void>;
}

const defaultRing: RingLimits = { maxEvents: 10_000, maxBytes: 16 * 1_048_576 };
/** Events per reading. */
const BATCH = 2_000;
/** Events that stay in the ring although everybody has read them, for who comes now. */
const KEPT = 200;
/** Who reads from the log so few positions before the ring is about to enter it: it stays as it is. */
const NEAR = 5_000n;
/** Nothing is held in the ring for who has asked for nothing for so long. */
const STUCK_MS = 2_000;
/** Without a hint, how long until the log is looked at again. */
const POLL_MS = 250;
/** From the end of one distribution to the next reading at least: bounds how often sockets are written. */
const PACE_MS = 10;
const PACE_MAX_MS = 200;
const IDLE_MS = 60_000;
/** Subscribers that read from the database at the same time. */
const READERS = 3;

export function createLogTail(options: LogTailOptions): LogTail {
  return new Tail(options);
}

class Tail implements LogTail {
  readonly clock: Clock;
  readonly random: () => number;
  readonly observer: Observer;
  readonly #options: LogTailOptions;
  readonly #limits: RingLimits;
  readonly #members = new Set<TailMember>();
  readonly #pages: SharedPages;
  readonly #turns = createReadingTurns(READERS);
  readonly #loop: Loop;
  #following: Following | null = null;
  #beginning: Promise<void> | null = null;
  #stopped = false;
  #stopListening: () => void = () => undefined;

  constructor(options: LogTailOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.observer = options.observer;
    this.#options = options;
    this.#limits = options.ring ?? defaultRing;
    this.#pages = createSharedPages({
      read: (after, limit) => this.read({ after, filter: {}, limit }),
      elapsedMs: () => this.clock.elapsedMs(),
    });
    this.#loop = createLoop({
      name: 'log tail',
      clock: this.clock,
      random: this.random,
      step: (signal) => this.#step(signal),
      onError: (error) => {
        this.observer.warn('the log could not be followed; trying again', { error });
      },
    });
  }

  get subscribers(): number {
    return this.#members.size;
  }

  get following(): Following | null {
    return this.#following;
  }

  async join(member: TailMember): Promise<() => void> {
    if (this.#stopped) throw new DaybookError('closed', 'The log is no longer followed.');
    this.#members.add(member);
    this.observer.subscribed(this.subscribers);
    const leave = () => {
      if (this.#members.delete(member)) this.observer.subscribed(this.subscribers);
    };
    try {
      await this.#begun();
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  }

  read(wish: Omit<PageWish, 'tenantId'>): Promise<LogPage> {
    const { database, tenantId } = this.#options;
    return this.#turns.take(() => readPage(database, { ...wish, tenantId }));
  }

  readShared(after: bigint, epoch: number): Promise<LogPage> {
    return this.#pages.after(after, epoch);
  }

  bounds(): Promise<LogBounds> {
    return readBounds(this.#options.database, this.#options.tenantId);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#following = null;
    this.#stopListening();
    await this.#loop.stop();
    this.#tell();
  }

  async #begun(): Promise<void> {
    if (this.#following !== null || this.#stopped) return;
    this.#beginning ??= this.#begin().finally(() => {
      this.#beginning = null;
    });
    await this.#beginning;
  }

  async #begin(): Promise<void> {
    const bounds = await this.bounds();
    if (this.#stopped) return;
    this.#follow(bounds);
    this.#stopListening();
    this.#stopListening = this.#options.wakeUp.on('log', () => this.#loop.wake());
    await this.#loop.start();
    this.#loop.wake();
  }

  #follow({ head, epoch }: LogBounds): void {
    this.#following = { ring: createLogRing(head, this.#limits), epoch };
  }

  #tell(): void {
    for (const member of this.#members) member.wake();
  }

  async #step(signal: AbortSignal): Promise<number> {
    // The ring goes with the last subscriber, and not at once: who comes back finds it again.
    if (this.#members.size === 0) this.#following = null;
    this.#pages.forgetUnused();
    const now = this.#following;
    if (now === null) return this.#pages.size > 0 ? POLL_MS : IDLE_MS;
    const { ring, epoch } = now;
    this.#letGo(ring);
    const { database, tenantId } = this.#options;
    const page = await readPage(database, { tenantId, after: ring.to, filter: {}, limit: BATCH });
    if (page.epoch !== epoch || page.head < ring.to || page.droppedUntil > ring.to) {
      this.#follow(page);
      this.#tell();
      return 0;
    }
    if (page.upTo === ring.to) return POLL_MS;
    ring.push(page.events, page.upTo);
    const pauseMs = await this.#distribute();
    // Where there is more already, nobody is made to wait for it.
    if (page.upTo >= page.head) await this.clock.sleep(pauseMs, signal);
    return 0;
  }

  /**
   * Lets go of what everybody has read. What is let go early was never moved to the part of memory that is
   * seldom cleared, and the process grows by a fraction of what it does otherwise.
   */
  #letGo(ring: LogRing): void {
    const since = this.clock.elapsedMs() - STUCK_MS;
    let read = ring.to;
    for (const { position, askedAtMs } of this.#members) {
      // Who is stuck, or far behind and reads from the log, needs nothing of the ring.
      const isHere = askedAtMs >= since && position + NEAR >= ring.from;
      if (isHere && position < read) read = position;
    }
    ring.letGo(read, KEPT);
  }

  /**
   * Tells everybody, and answers how long to leave them alone then, in ms: as long as it took this
   * process to serve them, so that the event loop keeps time for everything else.
   */
  async #distribute(): Promise<number> {
    const startedAt = this.clock.elapsedMs();
    this.#tell();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    const tookMs = this.clock.elapsedMs() - startedAt;
    return Math.min(PACE_MAX_MS, Math.max(PACE_MS, tookMs));
  }
}
