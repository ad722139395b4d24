import pg from 'pg';
import type { Clock } from '../kernel/clock.ts';
import { createLoop } from '../kernel/loop.ts';
import type { Observer } from '../kernel/observer.ts';
import type { Service } from '../kernel/service.ts';

/** What a hint is about: new rows in the inbox, new positions, jobs in a queue, wishes to cancel. */
export type WakeTopic = 'inbox' | 'log' | 'cancel' | `queue:${number}`;

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
const CHECK_EVERY_MS = 15_000;

export function createWakeUp(options: WakeUpOptions): WakeUp {
  const { clock, channel, processId } = options;
  const listeners = new Map<WakeTopic, Set<() => void>>();
  const pending = new Set<WakeTopic>();
  let client: pg.Client | null = null;
  let flushing = false;

  const hintHere = (topic: WakeTopic) => {
    for (const listener of listeners.get(topic) ?? []) listener();
  };

  const connect = async (): Promise<void> => {
    const opened = new pg.Client({ ...options.connection, application_name: 'daybook wake-up' });
    opened.on('error', (error) => {
      options.observer.warn('the wake-up connection was lost; polling goes on', { error });
      if (client === opened) client = null;
      loop.wake();
    });
    opened.on('notification', ({ payload }) => {
      const [sender, ...topics] = (payload ?? '').split(' ');
      if (sender === processId) return;
      // The sequencer's NOTIFY is the topic alone: it names no sender.
      for (const topic of topics.length === 0 ? [sender] : topics) hintHere(topic as WakeTopic);
    });
    await opened.connect();
    await opened.query(`listen ${pg.escapeIdentifier(channel)}`);
    client = opened;
    // What was said while nobody listened.
    for (const topic of listeners.keys()) hintHere(topic);
  };

  const flush = async (): Promise<void> => {
    flushing = true;
    while (pending.size > 0) {
      await clock.sleep(NOTIFY_EVERY_MS);
      const topics = [...pending].join(' ');
      pending.clear();
      await client
        ?.query('select pg_notify($1, $2)', [channel, `${processId} ${topics}`])
        .catch((error: unknown) => {
          options.observer.warn('a hint could not be sent; polling goes on', { error });
        });
    }
    flushing = false;
  };

  const loop = createLoop({
    name: 'wake-up',
    clock,
    random: options.random,
    step: async () => {
      if (client === null) await connect();
      return CHECK_EVERY_MS;
    },
    onError: (error) => {
      options.observer.warn('no wake-up connection; polling goes on', { error });
    },
  });

  return {
    name: 'wake-up',
    hintHere,
    hint(topic) {
      hintHere(topic);
      if (client === null) return;
      pending.add(topic);
      if (!flushing) void flush();
    },
    on(topic, listener) {
      const all = listeners.get(topic) ?? new Set();
      listeners.set(topic, all.add(listener));
      return () => {
        all.delete(listener);
      };
    },
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      const closing = client;
      client = null;
      await closing?.end().catch((error: unknown) => {
        options.observer.warn('the wake-up connection did not end cleanly', { error });
      });
    },
  };
}
