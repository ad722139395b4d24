import { claimJobs, type ClaimedJob, fromTheFront } from '../commands/work/claim-jobs.ts';
import { completeJobs } from '../commands/work/complete-jobs.ts';
import { loadJobs } from '../commands/read/load-jobs.ts';
import { markSuspectStart } from '../commands/work/worker-sessions.ts';
import type { WriteContext } from '../commands/write-context.ts';
import type { Clock } from '../kernel/clock.ts';
import { isDaybookError } from '../kernel/errors.ts';
import { createLoop, type Loop } from '../kernel/loop.ts';
import type { Service } from '../kernel/service.ts';
import { type ClaimCursor, createClaimCursor } from './claim-cursor.ts';
import { type ClaimPace, createClaimPace } from './claim-pace.ts';
import { type AbortReason, createJobAbort, type JobAbort, type JobContext } from './job-context.ts';
import type { JobNotes } from './job-notes.ts';
import type { OutcomeWriter } from './outcome-writer.ts';
import { createPrefetch, type Prefetch } from './prefetch.ts';
import { type RunOptions, type RunOutcome, runJob } from './run-job.ts';
import { releaseUnknownClaims } from './unknown-claims.ts';

export interface QueueRunnerOptions {
  readonly context: WriteContext;
  readonly queue: string;
  readonly concurrency: number;
  readonly maxPrefetch: number;
  readonly maxPrefetchBytes: number;
  readonly pollMs: number;
  readonly clock: Clock;
  readonly run: RunOptions;
  readonly outcomes: OutcomeWriter;
  readonly notes: JobNotes;
  /** The session to claim for; null while there is none. */
  readonly session: () => string | null;
  /** Of this process: at most one suspect runs at a time, whatever its queue. */
  readonly suspectSlot: { taken: boolean };
}

/** Works one queue: claims into a local buffer, runs what is in it, hands the outcomes over. */
export interface QueueRunner extends Service {
  /** Stops the handlers of jobs by id (or all), for a reason. */
  abort(reason: AbortReason, jobIds?: readonly string[]): void;
  /** Takes what was claimed and not started yet. */
  drainBuffer(): ClaimedJob[];
  /** Resolves when nothing runs any more. */
  idle(): Promise<void>;
}

/** Outcomes that may wait to be written before no more jobs are started. */
const MAX_UNWRITTEN = 5_000;
/** How often a suspect is looked for. */
const SUSPECTS_EVERY_MS = 1_000;
/** How often claims are looked for that this process does not know of; after a failed claim at once. */
const UNKNOWN_CLAIMS_EVERY_MS = 10_000;

/**
 * claiming <-> waiting for room or for jobs, until stop; running jobs go on beside it. A claim is
 * made when there is room for at least half a batch, so that claims stay few when jobs are quick.
 */
export function createQueueRunner(options: QueueRunnerOptions): QueueRunner {
  return new Runner(options);
}

class Runner implements QueueRunner {
  readonly name: string;
  readonly #options: QueueRunnerOptions;
  readonly #loop: Loop;
  readonly #cursor: ClaimCursor;
  readonly #prefetch: Prefetch;
  readonly #pace: ClaimPace;
  readonly #running = new Map<string, JobAbort>();
  readonly #whenIdle: (() => void)[] = [];
  #buffer: ClaimedJob[] = [];
  #suspectsAt = Number.NEGATIVE_INFINITY;
  #unknownClaimsAt: number;
  #stopListening: () => void = () => undefined;

  constructor(options: QueueRunnerOptions) {
    const { context, clock, queue } = options;
    this.name = `queue ${queue}`;
    this.#options = options;
    this.#unknownClaimsAt = clock.elapsedMs();
    this.#cursor = createClaimCursor(clock);
    this.#prefetch = createPrefetch(clock, options.maxPrefetch);
    this.#pace = createClaimPace(clock, context.random);
    this.#loop = createLoop({
      name: this.name,
      clock,
      random: context.random,
      step: (signal) => this.#step(signal),
      onError: (error) => {
        this.#unknownClaimsAt = Number.NEGATIVE_INFINITY;
        context.observer.warn(`claiming from "${queue}" failed`, { error });
      },
      maxBackoffMs: 2_000,
    });
  }

  async start(): Promise<void> {
    const { context, queue } = this.#options;
    const ids = await context.names.queueIds([queue]);
    this.#stopListening = context.wakeUp.on(`queue:${ids.get(queue) ?? 0}`, this.#loop.wake);
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#stopListening();
    await this.#loop.stop();
  }

  abort(reason: AbortReason, jobIds?: readonly string[]): void {
    for (const id of jobIds ?? this.#running.keys()) this.#running.get(id)?.abort(reason);
    if (reason !== 'lease-lost') return;
    if (this.#buffer.some((job) => job.suspect)) this.#options.suspectSlot.taken = false;
    this.#buffer = [];
  }

  drainBuffer(): ClaimedJob[] {
    return this.#buffer.splice(0);
  }

  async idle(): Promise<void> {
    if (this.#running.size === 0) return;
    await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  async #step(signal: AbortSignal): Promise<number> {
    const { pollMs } = this.#options;
    const session = this.#options.session();
    if (session === null) return pollMs;
    await this.#releaseUnknown(session);
    await this.#claimSuspect(session, signal);
    const limit = Math.min(this.#wanted(), 1_000);
    if (limit === 0) return pollMs;
    const waitMs = this.#pace.waitMs();
    if (waitMs > 0) return waitMs;
    const claimed = await this.#claim(session, limit);
    this.#accept(claimed, session, signal);
    if (claimed.length === limit) return 0;
    // A hint that came during the claim may be about what it did not see yet.
    return pollMs;
  }

  /** Jobs to claim now; 0 while the buffer is more than half full. */
  #wanted(): number {
    const { concurrency, outcomes } = this.#options;
    const held = this.#running.size + this.#buffer.length;
    const ahead = this.#prefetch.target();
    const room = concurrency + ahead - held;
    const worthIt = held < concurrency || room > ahead / 2;
    return worthIt && outcomes.size < MAX_UNWRITTEN ? Math.max(0, room) : 0;
  }

  async #claim(session: string, limit: number): Promise<ClaimedJob[]> {
    const { context, queue, maxPrefetchBytes: maxBytes } = this.#options;
    const cursorsMs = this.#cursor.next();
    const request = { queue, session, limit, suspects: false, maxBytes, cursorsMs };
    this.#pace.started();
    const jobs = await claimJobs(context, request);
    this.#pace.ended(jobs.length, limit);
    this.#cursor.claimed(jobs, limit);
    return jobs;
  }

  /** Claims are made by this loop alone, so none can be under way while it looks. */
  async #releaseUnknown(session: string): Promise<void> {
    const { context, queue, clock, outcomes } = this.#options;
    if (clock.elapsedMs() - this.#unknownClaimsAt < UNKNOWN_CLAIMS_EVERY_MS) return;
    const buffered = this.#buffer.map((job) => job.id);
    const known = new Set([...this.#running.keys(), ...buffered, ...outcomes.jobIds()]);
    await releaseUnknownClaims(context, session, queue, known);
    this.#unknownClaimsAt = clock.elapsedMs();
  }

  async #claimSuspect(session: string, signal: AbortSignal): Promise<void> {
    const { context, queue, suspectSlot, clock } = this.#options;
    if (suspectSlot.taken || clock.elapsedMs() - this.#suspectsAt < SUSPECTS_EVERY_MS) return;
    this.#suspectsAt = clock.elapsedMs();
    suspectSlot.taken = true;
    const cursorsMs = fromTheFront;
    const request = { queue, session, limit: 1, suspects: true, maxBytes: 1, cursorsMs };
    const jobs = await claimJobs(context, request).catch((error: unknown) => {
      suspectSlot.taken = false;
      throw error;
    });
    suspectSlot.taken = jobs.length > 0;
    this.#accept(jobs, session, signal);
  }

  #accept(jobs: readonly ClaimedJob[], session: string, signal: AbortSignal): void {
    // A session that ended during the claim has lost these jobs; a stopping worker gives them back.
    if (session !== this.#options.session()) return;
    this.#buffer.push(...jobs);
    if (!signal.aborted) this.#fill();
  }

  #fill(): void {
    const { concurrency, outcomes } = this.#options;
    while (this.#running.size < concurrency && outcomes.size < MAX_UNWRITTEN) {
      const job = this.#buffer.shift();
      if (job === undefined) break;
      void this.#run(job);
    }
  }

  async #run(job: ClaimedJob): Promise<void> {
    const { clock, notes, outcomes, suspectSlot } = this.#options;
    const abort = createJobAbort();
    this.#running.set(job.id, abort);
    const startedAt = clock.elapsedMs();
    const outcome = await this.#runGuarded(job, abort);
    this.#running.delete(job.id);
    notes.forget(job.id);
    if (job.suspect) {
      // Where one was there may be more: the next is looked for at once.
      suspectSlot.taken = false;
      this.#suspectsAt = Number.NEGATIVE_INFINITY;
      this.#loop.wake();
    }
    this.#prefetch.finished();
    if (outcome.kind !== 'none') {
      outcomes.add({ job, outcome, runMs: clock.elapsedMs() - startedAt });
    }
    this.#fill();
    if (this.#wanted() > 0) this.#loop.wake();
    if (this.#running.size === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #runGuarded(job: ClaimedJob, abort: JobAbort): Promise<RunOutcome> {
    const { context, run } = this.#options;
    if (job.suspect && !(await markSuspect(context, job))) return { kind: 'none' };
    const transaction = { completed: false };
    const handed = contextFor(this.#options, job, abort, transaction);
    const outcome = await runJob(job, handed, abort, run);
    return transaction.completed ? afterTransaction(context, job, outcome) : outcome;
  }
}

/** Notes the start of a suspect; false when its lease is gone already. */
async function markSuspect(context: WriteContext, job: ClaimedJob): Promise<boolean> {
  try {
    return await markSuspectStart(context, job.id, job.leaseToken);
  } catch (error) {
    // Unmarked it must not run: a crash would not count. The lease lapses, and it comes again.
    context.observer.warn('the start of a suspect could not be marked', { error });
    return false;
  }
}

function contextFor(
  { context, notes }: QueueRunnerOptions,
  claimed: ClaimedJob,
  abort: JobAbort,
  transaction: { completed: boolean },
): JobContext {
  const { leaseToken, payload: _payload, suspect: _suspect, ...job } = claimed;
  return {
    job,
    get signal() {
      return abort.signal;
    },
    log: (message) => notes.log(job.id, job.attempt, message),
    progress: (progress) => notes.progress(job.id, progress),
    async completeIn(client, result) {
      await completeJobs(context, [{ id: job.id, leaseToken, result }], { client });
      transaction.completed = true;
    },
  };
}

/**
 * What is left to write for a job that completed in its handler's own transaction: nothing, if that
 * committed. If it did not, the job was not done, whatever the handler returned.
 */
async function afterTransaction(
  context: WriteContext,
  job: ClaimedJob,
  outcome: RunOutcome,
): Promise<RunOutcome> {
  if (outcome.kind !== 'complete') return outcome;
  try {
    const loaded = await loadJobs(context.database, context.tenantId, [job.id]);
    if (loaded.get(job.id)?.state.lease?.token !== job.leaseToken) return { kind: 'none' };
  } catch (error) {
    if (!isDaybookError(error, 'database-unavailable')) throw error;
    return { kind: 'none' };
  }
  const message = 'The transaction in which the job completed was not committed.';
  return { kind: 'fail', error: { name: 'NotCommitted', message }, retryable: true };
}
