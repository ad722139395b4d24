import pg from 'pg';
import type { Clock } from '../kernel/clock.ts';
import { createLoop, type Loop } from '../kernel/loop.ts';
import type { Observer } from '../kernel/observer.ts';
import type { Service } from '../kernel/service.ts';
import { makeClient } from './pool/list-client.ts';

/**
 * What a hint is about: new rows in the inbox, new positions, wishes to cancel, builds and parked events
 * of consumers, a new epoch of the log, jobs in a queue, events of a subscription that may be handed
 * out.
 */
export type WakeTopic =
  | 'inbox'
  | 'log'
  | 'cancel'
  | 'consumers'
  | 'epoch'
  | `queue:${number}`
  | `subscription:${bigint}`;

/** The channel on which the processes of one schema tell each other what may be there to do. */
export function channelOf(schema: string): string {
  return `daybook_${schema}`;
}

export interface WakeUpOptions {
  /** A direct connection: LISTEN does not work through a transaction pooler. */
  readonly connection: pg.ClientConfig;
  readonly channel: string;
  /** Tells this process from others. */
  readonly processId: string;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * Hints between processes that something may be there to do. Nothing depends on them: every reader
 * also polls. Hints go out on one connection of their own after the commit, at most one NOTIFY per
 * `NOTIFY_EVERY_MS`, never in a user's transaction (NOTIFY takes a global lock at commit: 24,500 to
 * 7,300 transactions per second).
 */
export interface WakeUp extends Service {
  /** Wakes listeners here at once, and those of other processes within a few ms. */
  hint(topic: WakeTopic): void;
  /** Wakes only listeners of this process. */
  hintHere(topic: WakeTopic): void;
  /** @returns how to stop listening */
  on(topic: WakeTopic, listener: () => void): () => void;
}

const NOTIFY_EVERY_MS = 5;
/** And at most this share of the time is spent on sending them, whatever one takes. */
const NOTIFY_SHARE = 10;
const NOTIFY_PAUSE_MAX_MS = 200;
const CHECK_EVERY_MS = 15_000;
/** How long the connection may take to end, in ms. */
const END_MS = 1_000;

export function createWakeUp(options: WakeUpOptions): WakeUp {
  return new Notifier(options);
}

class Notifier implements WakeUp {
  readonly name = 'wake-up';
  readonly #options: WakeUpOptions;
  readonly #listeners = new Map<WakeTopic, Set<() => void>>();
  readonly #pending = new Set<WakeTopic>();
  readonly #loop: Loop;
  #client: pg.Client | null = null;
  #flushing = false;

  constructor(options: WakeUpOptions) {
    this.#options = options;
    this.#loop = createLoop({
      name: this.name,
      clock: options.clock,
      random: options.random,
      step: async () => {
        // A connection that is half open says nothing until it is asked.
        if (this.#client === null) await this.#connect();
        else await this.#client.query('select 1');
        return CHECK_EVERY_MS;
      },
      onError: (error) => {
        this.#giveUp();
        options.observer.warn('no wake-up connection; polling goes on', { error });
      },
    });
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    const closing = this.#client;
    this.#client = null;
    if (closing === null) return;
    // One that has gone silent would never end.
    const cancel = this.#options.clock.after(END_MS, () => closing.connection.stream.destroy());
    await closing.end().catch((error: unknown) => {
      this.#options.observer.warn('the wake-up connection did not end cleanly', { error });
    });
    cancel();
  }

  hint(topic: WakeTopic): void {
    this.hintHere(topic);
    if (this.#client === null) return;
    this.#pending.add(topic);
    if (!this.#flushing) void this.#flush();
  }

  hintHere(topic: WakeTopic): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener();
  }

  on(topic: WakeTopic, listener: () => void): () => void {
    const all = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, all.add(listener));
    return () => {
      all.delete(listener);
    };
  }

  async #connect(): Promise<void> {
    const { connection, channel, observer } = this.#options;
    const opened = makeClient({
      connectionTimeoutMillis: CHECK_EVERY_MS,
      ...connection,
      application_name: 'daybook wake-up',
      keepAlive: true,
      query_timeout: CHECK_EVERY_MS,
    });
    opened.on('error', (error) => {
      observer.warn('the wake-up connection was lost; polling goes on', { error });
      if (this.#client === opened) this.#client = null;
      this.#loop.wake();
    });
    opened.on('notification', ({ payload }) => this.#heard(payload ?? ''));
    try {
      await opened.connect();
      await opened.query(`listen ${pg.escapeIdentifier(channel)}`);
    } catch (error) {
      // Each try would leave its connection behind; ending it may take for ever, so nobody waits.
      opened.end(() => undefined);
      throw error;
    }
    this.#client = opened;
    // What was said while nobody listened.
    for (const topic of this.#listeners.keys()) this.hintHere(topic);
  }

  /** Leaves a connection that does not answer; ending it may take for ever, so nobody waits. */
  #giveUp(): void {
    const silent = this.#client;
    this.#client = null;
    silent?.end(() => undefined);
  }

  #heard(payload: string): void {
    const [sender, ...topics] = payload.split(' ');
    if (sender === this.#options.processId) return;
    // The sequencer's NOTIFY is the topic alone: it names no sender.
    for (const topic of topics.length === 0 ? [sender] : topics) this.hintHere(topic as WakeTopic);
  }

  async #flush(): Promise<void> {
    const { clock, channel, processId, observer } = this.#options;
    this.#flushing = true;
    let pauseMs = NOTIFY_EVERY_MS;
    while (this.#pending.size > 0) {
      await clock.sleep(pauseMs);
      const startedAt = clock.elapsedMs();
      const topics = [...this.#pending].join(' ');
      this.#pending.clear();
      await this.#client
        ?.query('select pg_notify($1, $2)', [channel, `${processId} ${topics}`])
        .catch((error: unknown) => {
          observer.warn('a hint could not be sent; polling goes on', { error });
        });
      const tookMs = clock.elapsedMs() - startedAt;
      pauseMs = Math.min(NOTIFY_PAUSE_MAX_MS, Math.max(NOTIFY_EVERY_MS, tookMs * NOTIFY_SHARE));
    }
    this.#flushing = false;
  }
}
