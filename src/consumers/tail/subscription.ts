import { type EventFilter, eventMatcher, letsAllThrough } from '../../domain/event-filter.ts';
import { formatLogToken } from '../../domain/log-token.ts';
import { createBackoff } from '../../kernel/backoff.ts';
import { isDaybookError } from '../../kernel/errors.ts';
import type { LoggedEvent, LogPage } from './log-page.ts';
import type { Following, LogTail, TailMember } from './log-tail.ts';
import { mustBeEpoch, mustBeThere, type StartPosition, startAfter } from './start-position.ts';

export interface SubscriptionOptions {
  readonly start: StartPosition;
  readonly filter?: EventFilter | undefined;
  /** Ends the subscription when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** After so long without a batch, and at most twice as long, one comes without events; default 15 s. */
  readonly heartbeatMs?: number | undefined;
}

/** What a subscriber gets at a time. */
export interface EventBatch {
  /** In order; none in a heartbeat, or where there is only something else to tell. */
  readonly events: readonly LoggedEvent[];
  /** Goes on after this batch, also past events that the filter held back. */
  readonly token: string;
  /** Nothing newer was there. */
  readonly caughtUp: boolean;
  /** The subscriber was too slow for the ring, and has been led back to the log. Nothing is lost. */
  readonly fellBehind: boolean;
}

/**
 * One reader of the log. It is read from the database until it is inside the ring of the tail, and
 * from the ring then; whoever takes batches slowly falls out of the ring and is read from the database
 * again. Nothing is kept for a subscriber, so a slow one costs no memory and holds up nobody.
 */
export interface Subscription {
  /** The place from which `next` goes on. */
  readonly token: string;
  /**
   * The next batch; undefined once the subscription has ended. Not to be called again before it answers.
   * @throws DaybookError `token-expired` when the log has become another (see startAfter)
   */
  next(): Promise<EventBatch | undefined>;
  /** Ends it; a `next` under way answers undefined. */
  close(): void;
}

/**
 * Events of a batch at the most: what a reader holds that has stopped. Batches of all events end at
 * multiples of it, so that readers who are behind ask for the same ones.
 */
const BATCH = 64;
/** Events read at once where a filter is. */
const FILTERED = 128;
/** Bytes of a batch, as far as they can be told. */
const BATCH_BYTES = 512 * 1_024;
const HEARTBEAT_MS = 15_000;

/**
 * Opens a subscription.
 * @throws DaybookError `invalid-request`, `position-ahead`, `token-expired`, `database-unavailable`
 */
export async function subscribe(
  tail: LogTail,
  options: SubscriptionOptions,
): Promise<Subscription> {
  const subscriber = new Subscriber(tail, options);
  try {
    await subscriber.open(options.start);
  } catch (error) {
    subscriber.close();
    throw error;
  }
  return subscriber;
}

/**
 * Where the next batch comes from: `log` until it is inside the ring, `ring` from then on, and `log`
 * again when it has fallen out.
 */
class Subscriber implements Subscription, TailMember {
  readonly #tail: LogTail;
  readonly #filter: EventFilter;
  readonly #matches: (event: LoggedEvent) => boolean;
  readonly #getsAll: boolean;
  readonly #heartbeatMs: number;
  readonly #ended = new AbortController();
  #leave: () => void = () => undefined;
  #goOn: () => void = () => undefined;
  #position = 0n;
  #epoch = 0;
  #following: Following | null = null;
  #source: 'log' | 'ring' = 'log';
  #toldCaughtUp = false;
  #fellBehind = false;
  #heartbeatDue = false;
  #quiet = true;
  #askedAtMs = 0;
  #stopTimer: () => void = () => undefined;

  constructor(tail: LogTail, { filter = {}, signal, heartbeatMs }: SubscriptionOptions) {
    this.#tail = tail;
    this.#filter = filter;
    this.#matches = eventMatcher(filter);
    this.#getsAll = letsAllThrough(filter);
    this.#heartbeatMs = heartbeatMs ?? HEARTBEAT_MS;
    if (signal?.aborted === true) this.#ended.abort();
    signal?.addEventListener('abort', () => this.close(), {
      once: true,
      signal: this.#ended.signal,
    });
  }

  async open(start: StartPosition): Promise<void> {
    this.#leave = await this.#tail.join(this);
    this.#following = this.#tail.following;
    // After joining: the ring begins before whatever `end` means here.
    const bounds = await this.#tail.bounds();
    this.#position = startAfter(start, bounds);
    this.#epoch = bounds.epoch;
    this.#armHeartbeat();
  }

  get token(): string {
    return formatLogToken({ epoch: this.#epoch, position: this.#position });
  }

  get position(): bigint {
    return this.#position;
  }

  get askedAtMs(): number {
    return this.#askedAtMs;
  }

  wake(): void {
    this.#goOn();
  }

  async next(): Promise<EventBatch | undefined> {
    this.#askedAtMs = this.#tail.clock.elapsedMs();
    while (!this.#ended.signal.aborted) {
      const following = await this.#look();
      if (following === null) return undefined;
      const { ring, epoch } = following;
      const before = this.#position;
      // A tail that has not noticed a new epoch yet holds nothing of it.
      const isInside = epoch === this.#epoch && before >= ring.from;
      const batch = isInside ? this.#takeFromRing(following) : await this.#takeFromLog();
      if (batch !== undefined) return batch;
      if (isInside || this.#position === before) await this.#wait(following);
    }
    return undefined;
  }

  close(): void {
    this.#ended.abort();
    this.#stopTimer();
    this.#leave();
    this.wake();
  }

  /** What the tail follows; null when it has been stopped. Looks at its place anew in a new log. */
  async #look(): Promise<Following | null> {
    const { following } = this.#tail;
    if (following === null || following === this.#following) return following;
    const bounds = await this.#insist(() => this.#tail.bounds());
    if (bounds !== undefined) startAfter(this.token, bounds);
    this.#following = following;
    return following;
  }

  #takeFromRing({ ring }: Following): EventBatch | undefined {
    this.#source = 'ring';
    const limit = this.#getsAll ? Number(this.#endOfBatch() - this.#position) : BATCH;
    const { events, upTo } = ring.after(this.#position, this.#matches, limit, BATCH_BYTES);
    this.#position = upTo;
    return this.#batch(events, upTo >= ring.to);
  }

  async #takeFromLog(): Promise<EventBatch | undefined> {
    if (this.#source === 'ring') {
      this.#source = 'log';
      this.#fellBehind = true;
      this.#toldCaughtUp = false;
      this.#tail.observer.fellBehind();
    }
    const page = await this.#insist(() => this.#readPage());
    if (page === undefined) return undefined;
    mustBeEpoch(this.#epoch, page);
    mustBeThere(this.#position, page);
    const end = this.#getsAll ? this.#endOfBatch() : page.upTo;
    if (page.upTo <= end) {
      this.#position = page.upTo;
      return this.#batch(page.events, false);
    }
    this.#position = end;
    return this.#batch(
      page.events.filter(({ position }) => position <= end),
      false,
    );
  }

  #readPage(): Promise<LogPage> {
    const after = this.#position;
    if (this.#getsAll) return this.#tail.readShared(after, this.#epoch);
    return this.#tail.read({ after, filter: this.#filter, limit: FILTERED });
  }

  #endOfBatch(): bigint {
    return this.#position - (this.#position % BigInt(BATCH)) + BigInt(BATCH);
  }

  /** Reads; while the database is away, again and again. Undefined once the subscription has ended. */
  async #insist<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
    const { clock, random, observer } = this.#tail;
    const backoff = createBackoff(100, 5_000, random);
    while (!this.#ended.signal.aborted) {
      try {
        return await read();
      } catch (error) {
        if (!isDaybookError(error, 'database-unavailable')) throw error;
        observer.warn('a subscriber waits for the database', { error });
        await clock.sleep(backoff.nextMs(), this.#ended.signal);
      }
    }
    return undefined;
  }

  /** A batch, if there is anything to tell. */
  #batch(events: readonly LoggedEvent[], caughtUp: boolean): EventBatch | undefined {
    const fellBehind = this.#fellBehind;
    const nowCaughtUp = caughtUp && !this.#toldCaughtUp;
    if (events.length === 0 && !fellBehind && !nowCaughtUp && !this.#heartbeatDue) return undefined;
    this.#fellBehind = false;
    this.#toldCaughtUp ||= caughtUp;
    this.#heartbeatDue = false;
    this.#quiet = false;
    if (events.length > 0) this.#tail.observer.eventsSent(events.length);
    return { events, token: this.token, caughtUp, fellBehind };
  }

  /** Until the ring grows, a heartbeat is due, or the subscription ends. */
  async #wait({ ring }: Following): Promise<void> {
    const seen = ring.to;
    await new Promise<void>((resolve) => {
      this.#goOn = resolve;
      const moved = ring.to !== seen || this.#tail.following?.ring !== ring;
      if (moved || this.#heartbeatDue || this.#ended.signal.aborted) resolve();
    });
    this.#goOn = () => undefined;
  }

  /** One timer per subscription, and not one per batch: there may be many thousand batches a second. */
  #armHeartbeat(): void {
    this.#stopTimer = this.#tail.clock.after(this.#heartbeatMs, () => {
      this.#heartbeatDue = this.#quiet;
      this.#quiet = true;
      if (this.#heartbeatDue) this.wake();
      if (!this.#ended.signal.aborted) this.#armHeartbeat();
    });
  }
}
