import { hostname } from 'node:os';
import {
  beatWorkerSession,
  endWorkerSession,
  openWorkerSession,
} from '../../commands/work/worker-sessions.ts';
import type { WriteContext } from '../../commands/write-context.ts';
import type { Clock } from '../../kernel/clock.ts';
import { isDaybookError } from '../../kernel/errors.ts';
import { createLoop, type Loop } from '../../kernel/loop.ts';
import type { BeatThreads, Heard, Watched } from './beat-threads.ts';

export interface SessionOptions {
  readonly name: string;
  readonly version: string;
  readonly queues: readonly string[];
  readonly types: readonly string[];
  readonly slots: number;
  readonly leaseMs: number;
  readonly beatMs: number;
  readonly stallMs: number;
  readonly clock: Clock;
  /** Jobs of this session that somebody wants cancelled. */
  readonly onCancelRequested: (jobIds: readonly string[]) => void;
  /** The lease has lapsed, or may have: nothing of this session may be written any more. */
  readonly onLost: () => void;
  readonly beatThreads: BeatThreads;
}

/** A worker session: one row that stands for all the jobs this process holds. */
export interface Session {
  readonly id: string;
  /** Asks at once whether jobs were asked to cancel, instead of at the next beat. */
  look(): Promise<void>;
  /** Ends it; what it still holds is taken back by the caretaker. */
  end(): Promise<void>;
}

/** How often the main thread shows the beat thread that its event loop turns. */
const TURNING_EVERY_MS = 1_000;

/** Opens a session and beats for it until it ends or is lost. */
export async function startSession(
  context: WriteContext,
  options: SessionOptions,
): Promise<Session> {
  const { name, version, queues, types, slots, leaseMs } = options;
  const about = { name, version, queues, types, slots, leaseMs };
  const id = await openWorkerSession(context, { ...about, host: hostname(), pid: process.pid });
  const session = new BeatenSession(id, context, options);
  await session.watch();
  return session;
}

/** living -> lost (told once, by `onLost`) or ended; nothing leads back. */
class BeatenSession implements Session {
  readonly id: string;
  readonly #context: WriteContext;
  readonly #options: SessionOptions;
  /**
   * Null for a pool whose connection cannot be handed over, and once the thread has failed: then
   * this thread beats.
   */
  #watched: Watched | null;
  readonly #loop: Loop;
  #over = false;
  #threadBeats = false;
  #beatenAt: number;

  constructor(id: string, context: WriteContext, options: SessionOptions) {
    this.id = id;
    this.#context = context;
    this.#options = options;
    this.#beatenAt = options.clock.elapsedMs();
    this.#watched = this.#watch();
    this.#loop = createLoop({
      name: 'session-watch',
      clock: options.clock,
      random: context.random,
      step: () => this.#step(),
      onError: (error) => {
        context.observer.warn('a beat failed', { error });
        this.#loseIfLapsed();
      },
    });
  }

  watch(): Promise<void> {
    return this.#loop.start();
  }

  async look(): Promise<void> {
    try {
      this.#heard((await beatWorkerSession(this.#context, this.id)).cancel_requested);
    } catch (error) {
      if (!isDaybookError(error, 'worker-not-found')) throw error;
      this.#lose();
    }
  }

  async end(): Promise<void> {
    this.#over = true;
    await this.#loop.stop();
    this.#watched?.leave();
    await endWorkerSession(this.#context, this.id);
  }

  async #step(): Promise<number> {
    const { beatMs } = this.#options;
    if (this.#over) return TURNING_EVERY_MS;
    this.#watched?.turning();
    // Until the thread is up, and where there is none, this loop beats. And where it seems that the
    // thread did not: after an event loop that was blocked, this step can run before its messages.
    if (!this.#threadBeats || this.#hasLapsed()) await this.#lookInTime();
    this.#loseIfLapsed();
    return this.#watched === null ? beatMs : Math.min(TURNING_EVERY_MS, beatMs);
  }

  /** A database that does not answer must not keep a lapsed session alive. */
  async #lookInTime(): Promise<void> {
    const { clock, leaseMs, beatMs } = this.#options;
    const leftMs = this.#beatenAt + leaseMs - clock.elapsedMs();
    const answered = new AbortController();
    const tooLate = clock.sleep(Math.max(leftMs + 1, beatMs), answered.signal);
    await Promise.race([this.look(), tooLate]).finally(() => answered.abort());
  }

  #heard(cancelRequested: readonly string[]): void {
    this.#beatenAt = this.#options.clock.elapsedMs();
    if (cancelRequested.length > 0) this.#options.onCancelRequested(cancelRequested);
  }

  /** Without a beat for a whole lease the jobs may be another's by now. */
  #loseIfLapsed(): void {
    if (this.#hasLapsed()) this.#lose();
  }

  #hasLapsed(): boolean {
    const { clock, leaseMs } = this.#options;
    return clock.elapsedMs() - this.#beatenAt > leaseMs;
  }

  #lose(): void {
    if (this.#over) return;
    this.#over = true;
    this.#watched?.leave();
    this.#options.onLost();
  }

  #watch(): Watched | null {
    const { database, tenantId } = this.#context;
    const { leaseMs, beatMs, stallMs, beatThreads } = this.#options;
    const { connectionString } = database.connection;
    if (typeof connectionString !== 'string') return null;
    const { schema } = database;
    const data = { connectionString, schema, tenantId, leaseMs, beatMs, stallMs };
    return beatThreads.watch(data, this.id, (heard) => this.#hear(heard));
  }

  #hear(heard: Heard): void {
    if (this.#over) return;
    this.#threadBeats = heard.kind === 'beat';
    const { observer } = this.#context;
    if (heard.kind === 'beat') this.#heard(heard.cancelRequested);
    else if (heard.kind === 'lost') this.#lose();
    else if (heard.kind === 'failed') observer.warn('a beat failed', { reason: heard.message });
    else this.#beatAlone(heard.error);
  }

  /** Its last message may have been a beat: this thread goes on where the other ended. */
  #beatAlone(error: unknown): void {
    if (error !== undefined) {
      this.#context.observer.warn('the beat thread failed', { error });
    }
    this.#watched = null;
    this.#loop.wake();
  }
}
