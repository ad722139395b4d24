import { hostname } from 'node:os';
import { endAttempts } from '../commands/work/end-attempts.ts';
import type { WriteContext } from '../commands/write-context.ts';
import type { WorkerOptions } from '../config/options.ts';
import type { Clock } from '../kernel/clock.ts';
import { createLoop, type Loop } from '../kernel/loop.ts';
import type { Service } from '../kernel/service.ts';
import { createHeldJobs, type HeldJobs } from './claiming/held-jobs.ts';
import { createSuspectSlot } from './claiming/suspect-slot.ts';
import type { Definitions } from './definitions/job-catalog.ts';
import type { Middleware } from './job-context.ts';
import { createJobNotes, type JobNotes } from './job-notes.ts';
import { createOutcomeWriter, type OutcomeWriter } from './outcome-writer.ts';
import { createQueueRunner } from './queue-runner.ts';
import { type Session, startSession } from './session/session.ts';

export interface WorkerParts {
  readonly context: WriteContext;
  readonly definitions: Definitions;
  readonly middleware: readonly Middleware[];
  readonly clock: Clock;
  readonly version: string;
}

/** Runs jobs until stopped. */
export interface Worker extends Service {
  /**
   * Stops claiming, gives back what has not started, waits for what runs up to `shutdownMs`, then
   * aborts and releases it: nothing is lost, and no attempt is burnt.
   */
  stop(): Promise<void>;
}

/**
 * A worker: one session, one runner per queue. A lost session aborts what runs, and a new one is
 * opened as soon as the database allows.
 */
export function createWorker(parts: WorkerParts, options: WorkerOptions): Worker {
  return new SessionWorker(parts, options);
}

class SessionWorker implements Worker {
  readonly name = 'worker';
  readonly #parts: WorkerParts;
  readonly #options: WorkerOptions;
  readonly #outcomes: OutcomeWriter;
  readonly #notes: JobNotes;
  readonly #held: HeldJobs;
  readonly #runners: readonly Service[];
  readonly #keeper: Loop;
  #session: Session | null = null;
  #stopping = false;
  #stopped: Promise<void> | null = null;
  #stopListening: () => void = () => undefined;

  constructor(parts: WorkerParts, options: WorkerOptions) {
    const { context, clock } = parts;
    this.#parts = parts;
    this.#options = options;
    this.#outcomes = createOutcomeWriter(context, clock);
    this.#notes = createJobNotes(context, clock, options.maxLogLines);
    this.#held = createHeldJobs(() => this.#outcomes.leaseTokens());
    this.#runners = this.#makeRunners();
    this.#keeper = createLoop({
      name: 'session-keeper',
      clock,
      random: context.random,
      step: async () => {
        if (this.#session === null && !this.#stopping) await this.#open();
        return options.leaseMs;
      },
      onError: (error) => context.observer.warn('no worker session could be opened', { error }),
      maxBackoffMs: 2_000,
    });
  }

  async start(): Promise<void> {
    const { wakeUp, observer } = this.#parts.context;
    await this.#open();
    this.#stopListening = wakeUp.on('cancel', () => {
      this.#session?.look().catch((error: unknown) => {
        observer.warn('wishes to cancel are seen at the next beat', { error });
      });
    });
    await this.#notes.start();
    await this.#keeper.start();
    await Promise.all(this.#runners.map((runner) => runner.start()));
  }

  stop(): Promise<void> {
    const { observer } = this.#parts.context;
    this.#stopped ??= this.#shutDown().catch((error: unknown) => {
      // The caretaker takes back what could not be given back.
      observer.warn('the worker could not say goodbye; its lease will lapse', { error });
    });
    return this.#stopped;
  }

  #makeRunners(): Service[] {
    const { context, definitions, middleware, clock } = this.#parts;
    const { timeoutMs: defaultTimeoutMs, abortGraceMs } = this.#options;
    const run = { definitions, middleware, clock, defaultTimeoutMs, abortGraceMs };
    const suspectSlot = createSuspectSlot(this.#held);
    return this.#options.queues.map((queue) =>
      createQueueRunner({
        ...this.#options,
        context,
        queue,
        clock,
        run,
        held: this.#held,
        suspectSlot,
        outcomes: this.#outcomes,
        notes: this.#notes,
        session: () => this.#session?.id ?? null,
      }),
    );
  }

  async #open(): Promise<void> {
    const { context, definitions, clock, version } = this.#parts;
    const { queues, concurrency, name = `${hostname()}:${process.pid}` } = this.#options;
    this.#session = await startSession(context, {
      ...this.#options,
      name,
      version,
      types: definitions.types,
      slots: concurrency * queues.length,
      clock,
      onLost: () => this.#lose(),
      onCancelRequested: (ids) => this.#held.abort('cancelled', ids),
    });
  }

  #lose(): void {
    const { observer } = this.#parts.context;
    observer.warn('the session was lost: its jobs run again elsewhere', {
      session: this.#session?.id,
    });
    this.#session = null;
    this.#held.abort('lease-lost');
    this.#held.takeBuffered();
    this.#outcomes.abandon();
    this.#keeper.wake();
  }

  async #shutDown(): Promise<void> {
    this.#stopping = true;
    this.#stopListening();
    await Promise.all(this.#runners.map((runner) => runner.stop()));
    await this.#keeper.stop();
    await this.#release(this.#held.takeBuffered());
    await this.#finishRunning();
    await this.#outcomes.flushed();
    await this.#notes.stop();
    await this.#notes.flush();
    await this.#session?.end();
  }

  async #finishRunning(): Promise<void> {
    const idle = this.#held.idle();
    const limit = new AbortController();
    await Promise.race([idle, this.#parts.clock.sleep(this.#options.shutdownMs, limit.signal)]);
    limit.abort();
    this.#held.abort('shutdown');
    await idle;
  }

  async #release(jobs: readonly { id: string; leaseToken: string }[]): Promise<void> {
    if (jobs.length === 0) return;
    await endAttempts(
      this.#parts.context,
      jobs.map(({ id, leaseToken }) => ({ id, command: { kind: 'release', leaseToken } })),
    );
  }
}
