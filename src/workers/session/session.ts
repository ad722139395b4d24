import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';
import {
  beatWorkerSession,
  endWorkerSession,
  openWorkerSession,
} from '../../commands/work/worker-sessions.ts';
import type { WriteContext } from '../../commands/write-context.ts';
import type { Clock } from '../../kernel/clock.ts';
import { isDaybookError } from '../../kernel/errors.ts';
import { createLoop, type Loop } from '../../kernel/loop.ts';
import type { BeatMessage, BeatThreadData, MainMessage } from './beat-messages.ts';

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
  /** Null for a pool whose connection cannot be handed over: then this thread beats. */
  readonly #thread: Thread | null;
  readonly #loop: Loop;
  #over = false;
  #threadBeats = false;
  #beatenAt: number;

  constructor(id: string, context: WriteContext, options: SessionOptions) {
    this.id = id;
    this.#context = context;
    this.#options = options;
    this.#beatenAt = options.clock.elapsedMs();
    this.#thread = this.#makeThread();
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
    this.#thread?.postMessage('stop' satisfies MainMessage);
    await endWorkerSession(this.#context, this.id);
  }

  async #step(): Promise<number> {
    const { beatMs } = this.#options;
    if (this.#over) return TURNING_EVERY_MS;
    this.#thread?.postMessage('turning' satisfies MainMessage);
    // Until the thread is up, and where there is none, this loop beats.
    if (!this.#threadBeats) await this.look();
    this.#loseIfLapsed();
    return this.#thread === null ? beatMs : Math.min(TURNING_EVERY_MS, beatMs);
  }

  #heard(cancelRequested: readonly string[]): void {
    this.#beatenAt = this.#options.clock.elapsedMs();
    if (cancelRequested.length > 0) this.#options.onCancelRequested(cancelRequested);
  }

  /** Without a beat for a whole lease the jobs may be another's by now. */
  #loseIfLapsed(): void {
    const { clock, leaseMs } = this.#options;
    if (clock.elapsedMs() - this.#beatenAt > leaseMs) this.#lose();
  }

  #lose(): void {
    if (this.#over) return;
    this.#over = true;
    this.#thread?.postMessage('stop' satisfies MainMessage);
    this.#options.onLost();
  }

  #makeThread(): Thread | null {
    const { database, tenantId, observer } = this.#context;
    const { beatMs, stallMs } = this.#options;
    const { connectionString } = database.connection;
    if (typeof connectionString !== 'string') return null;
    const { schema } = database;
    const session = this.id;
    const thread = startThread({ connectionString, schema, tenantId, session, beatMs, stallMs });
    thread.on('message', (message: BeatMessage) => {
      this.#threadBeats = message.kind === 'beat';
      if (message.kind === 'beat') this.#heard(message.cancelRequested);
      else if (message.kind === 'lost') this.#lose();
      else observer.warn('a beat failed', { reason: message.message });
    });
    thread.on('error', (error) => observer.warn('the beat thread failed', { error }));
    thread.unref();
    return thread;
  }
}

/**
 * From source the thread has to load TypeScript for itself: Node 20 hands no loader down to threads,
 * and `--import tsx` does nothing in them. Built, it is plain JavaScript.
 */
function startThread(data: BeatThreadData): Thread {
  if (!import.meta.url.endsWith('.ts')) {
    return new Thread(new URL('./beat-thread.js', import.meta.url), { workerData: data });
  }
  const file = new URL('./beat-thread.ts', import.meta.url).href;
  const tsxFolder = dirname(createRequire(import.meta.url).resolve('tsx/package.json'));
  const tsx = pathToFileURL(join(tsxFolder, 'dist/esm/api/index.mjs')).href;
  const start = `import(${JSON.stringify(tsx)}).then(({ register }) => {
    register();
    return import(${JSON.stringify(file)});
  })`;
  return new Thread(start, { eval: true, workerData: data });
}
