import { hostname } from 'node:os';
import type { ClaimedJob } from '../commands/work/claim-jobs.ts';
import type { WriteContext } from '../commands/write-context.ts';
import { beatMsOf, type WorkerOptions } from '../config/options.ts';
import type { Clock } from '../kernel/clock.ts';
import { createLoop, type Loop } from '../kernel/loop.ts';
import type { Service } from '../kernel/service.ts';
import { createDueQueues } from './claiming/due-queues.ts';
import { createHeldJobs, type HeldJobs } from './claiming/held-jobs.ts';
import { createQueueConcurrency, type QueueConcurrency } from './claiming/queue-concurrency.ts';
import { createSuspectSlot } from './claiming/suspect-slot.ts';
import type { Definitions } from './definitions/job-catalog.ts';
import type { Middleware } from './job-context.ts';
import { createJobNotes, type JobNotes } from './job-notes.ts';
import { createOutcomeWriter, type OutcomeWriter } from './outcome-writer.ts';
import { createQueueRunner, type QueueRunner } from './queue-runner.ts';
import type { BeatThreads } from './session/beat-threads.ts';
import { type Session, startSession } from './session/session.ts';

export interface WorkerParts {
  readonly context: WriteContext;
  readonly definitions: Definitions;
  readonly middleware: readonly Middleware[];
  readonly clock: Clock;
  readonly version: string;
  /** Shared by the workers of a process. */
  readonly beatThreads: BeatThreads;
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
  readonly #concurrency: QueueConcurrency;
  readonly #runners: readonly QueueRunner[];
  readonly #dueQueues: Service;
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
    const { queues, concurrency } = options;
    this.#concurrency = createQueueConcurrency(context, clock, queues, concurrency);
    this.#runners = this.#makeRunners();
    this.#dueQueues = createDueQueues({
      context,
      clock,
      queues,
      pollMs: options.pollMs,
      onDue: (queue, suspects) => this.#runners.find((each) => each.queue === queue)?.due(suspects),
    });
    this.#keeper = createLoop({
      name: 'session-keeper',
      clock,
      random: context.random,
      step: async () => {
        if (this.#session === null && !this.#stopping) await this.#open();
        return options.leaseMs;
      },
      onError: (error) => context.observer.warn('no worker session could be opened', { error }),
    });
  }

  async start(): Promise<void> {
    const { wakeUp, observer } = this.#parts.context;
    await this.#concurrency.start();
    await this.#open();
    this.#stopListening = wakeUp.on('cancel', () => {
      this.#session?.look().catch((error: unknown) => {
        observer.warn('wishes to cancel are seen at the next beat', { error });
      });
    });
    await this.#notes.start();
    await this.#keeper.start();
    await Promise.all(this.#runners.map((runner) => runner.start()));
    await this.#dueQueues.start();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#shutDown();
    return this.#stopped;
  }

  #makeRunners(): QueueRunner[] {
    const { context, definitions, middleware, clock } = this.#parts;
    const { timeoutMs: defaultTimeoutMs, abortGraceMs } = this.#options;
    const run = { definitions, middleware, clock, defaultTimeoutMs, abortGraceMs };
    const suspectSlot = createSuspectSlot(this.#held);
    return this.#options.queues.map((queue) =>
      createQueueRunner({
        ...this.#options,
        context,
        queue,
        concurrency: () => this.#concurrency.of(queue),
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
    const { context, definitions, clock, version, beatThreads } = this.#parts;
    const { queues, name = `${hostname()}:${process.pid}` } = this.#options;
    this.#session = await startSession(context, {
      ...this.#options,
      name,
      beatMs: beatMsOf(this.#options),
      version,
      types: definitions.types,
      slots: queues.reduce((sum, queue) => sum + this.#concurrency.of(queue), 0),
      clock,
      beatThreads,
      onLost: () => this.#lose(),
      onCancelRequested: (ids) => {
        this.#held.abort('cancelled', ids);
        // One that has not started need not: given back, it is cancelled.
        this.#giveBack(this.#held.takeBuffered(ids));
      },
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

  /** Each step is taken whatever became of those before; what is left undone, the caretaker does. */
  async #shutDown(): Promise<void> {
    this.#stopping = true;
    this.#stopListening();
    await this.#attempt('stop claiming', () => Promise.all(this.#runners.map((r) => r.stop())));
    await this.#attempt('stop looking for jobs', () => this.#dueQueues.stop());
    await this.#attempt('stop reading settings', () => this.#concurrency.stop());
    await this.#attempt('stop keeping a session', () => this.#keeper.stop());
    this.#giveBack(this.#held.takeBuffered());
    await this.#attempt('finish what runs', () => this.#finishRunning());
    await this.#attempt('write the last outcomes', () => this.#flushOutcomes());
    await this.#attempt('stop writing notes', () => this.#notes.stop());
    await this.#attempt('write the last notes', () => this.#notes.flush());
    await this.#attempt('end its session', async () => this.#session?.end());
  }

  async #attempt(what: string, step: () => Promise<unknown>): Promise<void> {
    try {
      await step();
    } catch (error) {
      const { observer } = this.#parts.context;
      observer.warn(`the worker that stops could not ${what}`, { error });
    }
  }

  async #finishRunning(): Promise<void> {
    await this.#within(this.#options.shutdownMs, this.#held.idle());
    this.#held.abort('shutdown');
    await this.#held.idle();
  }

  /** Outcomes that cannot be written are given up after a lease: others run their jobs again. */
  async #flushOutcomes(): Promise<void> {
    await this.#within(this.#options.leaseMs, this.#outcomes.flushed());
    this.#outcomes.abandon();
  }

  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    const limit = new AbortController();
    await Promise.race([work, this.#parts.clock.sleep(ms, limit.signal)]);
    limit.abort();
  }

  /** Through the outcome writer, which tries again what fails. */
  #giveBack(jobs: readonly ClaimedJob[]): void {
    for (const job of jobs) this.#outcomes.add({ job, outcome: { kind: 'release' }, runMs: 0 });
  }
}
