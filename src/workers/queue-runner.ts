import { claimJobs, type ClaimedJob, fromTheFront } from '../commands/work/claim-jobs.ts';
import type { Clock } from '../kernel/clock.ts';
import { createLoop, type Loop } from '../kernel/loop.ts';
import type { Service } from '../kernel/service.ts';
import { type ClaimCursor, createClaimCursor } from './claiming/claim-cursor.ts';
import { type ClaimPace, createClaimPace } from './claiming/claim-pace.ts';
import { bytesOf, type HeldJobs, type QueueShare, type StartedJob } from './claiming/held-jobs.ts';
import { createPrefetch, type Prefetch } from './claiming/prefetch.ts';
import type { SuspectSlot } from './claiming/suspect-slot.ts';
import { releaseUnknownClaims } from './claiming/unknown-claims.ts';
import type { OutcomeWriter } from './outcome-writer.ts';
import { type ClaimRunner, runClaim } from './run-claim.ts';
import type { RunOutcome } from './run-job.ts';

export interface QueueRunnerOptions extends ClaimRunner {
  readonly queue: string;
  /** Jobs that run at a time; may change while the runner works. */
  readonly concurrency: () => number;
  readonly maxPrefetch: number;
  readonly maxPrefetchBytes: number;
  readonly pollMs: number;
  readonly clock: Clock;
  readonly held: HeldJobs;
  readonly suspectSlot: SuspectSlot;
  readonly outcomes: OutcomeWriter;
  /** The session to claim for; null while there is none. */
  readonly session: () => string | null;
}

export interface QueueRunner extends Service {
  readonly queue: string;
  /** Says that jobs are due: suspects, or others. */
  due(suspects: boolean): void;
}

/** Jobs whose handlers returned at once before the event loop turns: others are waiting for it too. */
const MAX_AT_ONCE = 100;
/** How often claims are looked for that this process does not know of; after a failed claim at once. */
const UNKNOWN_CLAIMS_EVERY_MS = 10_000;

/**
 * Works one queue: claims into a local buffer, runs what is in it, hands the outcomes over.
 * claiming <-> waiting for room or for jobs, until stop; running jobs go on beside it. A claim is
 * made when there is room for at least half a batch, so that claims stay few when jobs are quick.
 */
export function createQueueRunner(options: QueueRunnerOptions): QueueRunner {
  return new Runner(options);
}

class Runner implements QueueRunner {
  readonly name: string;
  readonly queue: string;
  readonly #options: QueueRunnerOptions;
  readonly #loop: Loop;
  readonly #cursor: ClaimCursor;
  readonly #prefetch: Prefetch;
  readonly #pace: ClaimPace;
  readonly #share: QueueShare;
  #suspectsAreDue = false;
  #unknownClaimsAt: number;
  /** Whether there may be due jobs that no claim has looked for: it came back full, or had no room. */
  #mayBeMore = true;
  #stopping = false;
  #filling = false;
  #stopListening: () => void = () => undefined;

  constructor(options: QueueRunnerOptions) {
    const { context, clock, queue } = options;
    this.name = `queue ${queue}`;
    this.queue = queue;
    this.#options = options;
    this.#share = options.held.share(queue);
    this.#unknownClaimsAt = clock.elapsedMs();
    this.#cursor = createClaimCursor(clock);
    this.#prefetch = createPrefetch(clock, options.maxPrefetch);
    this.#pace = createClaimPace(clock, context.random);
    this.#loop = createLoop({
      name: this.name,
      clock,
      random: context.random,
      step: () => this.#step(),
      onError: (error) => {
        this.#unknownClaimsAt = Number.NEGATIVE_INFINITY;
        context.observer.warn(`claiming from "${queue}" failed`, { error });
      },
    });
  }

  async start(): Promise<void> {
    this.#stopping = false;
    const { context, queue } = this.#options;
    const ids = await context.names.queueIds([queue]);
    this.#stopListening = context.wakeUp.on(`queue:${ids.get(queue) ?? 0}`, this.#loop.wake);
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopListening();
    await this.#loop.stop();
  }

  due(suspects: boolean): void {
    if (suspects) this.#suspectsAreDue = true;
    this.#loop.wake();
  }

  async #step(): Promise<number> {
    const session = this.#options.session();
    if (session === null) return this.#restMs();
    await this.#releaseUnknown(session);
    await this.#claimSuspect(session);
    // What waits because too much was unwritten starts here once that is not so any more.
    this.#fill();
    const limit = Math.min(this.#wanted(), 1_000);
    this.#mayBeMore = true;
    if (limit === 0) return this.#restMs();
    const waitMs = this.#pace.waitMs();
    if (waitMs > 0) return waitMs;
    this.#mayBeMore = false;
    this.#mayBeMore = await this.#claim(session, limit);
    // A hint that came during the claim may be about what it did not see yet: it ends this pause.
    return this.#mayBeMore ? 0 : this.#restMs();
  }

  /** What is due wakes this loop; that outcomes are written and what is held may start, nobody tells. */
  #restMs(): number {
    return this.#share.buffered > 0 ? this.#options.pollMs : UNKNOWN_CLAIMS_EVERY_MS;
  }

  /** Jobs to claim now; 0 while the buffer is more than half full, in jobs or in bytes. */
  #wanted(): number {
    const { outcomes, maxPrefetchBytes } = this.#options;
    const concurrency = this.#options.concurrency();
    const held = this.#share.running + this.#share.buffered;
    const ahead = this.#prefetch.target();
    const room = concurrency + ahead - held;
    const worthIt =
      held < concurrency || (room > ahead / 2 && this.#bytesLeft() > maxPrefetchBytes / 2);
    return worthIt && !outcomes.full ? Math.max(0, room) : 0;
  }

  /** Payload bytes that may still be held ahead, by this process in all; 0 or less for none. */
  #bytesLeft(): number {
    const { held, maxPrefetchBytes } = this.#options;
    return maxPrefetchBytes - held.bufferedBytes();
  }

  /** Claims up to `limit` jobs; answers whether there may be more to claim at once. */
  async #claim(session: string, limit: number): Promise<boolean> {
    const { context, queue } = this.#options;
    const cursorsMs = this.#cursor.next();
    // The first job comes whatever its size, so a free place is filled also when no byte is left.
    const maxBytes = Math.max(1, this.#bytesLeft());
    const request = { queue, session, limit, suspects: false, maxBytes, cursorsMs };
    this.#pace.started();
    const jobs = await claimJobs(context, request);
    this.#pace.ended(jobs.length, limit);
    this.#cursor.claimed(jobs, limit);
    this.#accept(jobs, session);
    return jobs.length === limit || bytesOf(jobs) >= maxBytes;
  }

  /** Claims are made by this loop alone, so none can be under way while it looks. */
  async #releaseUnknown(session: string): Promise<void> {
    const { context, queue, clock, held } = this.#options;
    if (clock.elapsedMs() - this.#unknownClaimsAt < UNKNOWN_CLAIMS_EVERY_MS) return;
    await releaseUnknownClaims(context, session, queue, held.leaseTokens());
    this.#unknownClaimsAt = clock.elapsedMs();
  }

  async #claimSuspect(session: string): Promise<void> {
    const { context, queue, suspectSlot } = this.#options;
    if (!this.#suspectsAreDue) return;
    await suspectSlot.claim(async () => {
      this.#suspectsAreDue = false;
      const cursorsMs = fromTheFront;
      const request = { queue, session, limit: 1, suspects: true, maxBytes: 1, cursorsMs };
      this.#accept(await claimJobs(context, request), session);
    });
  }

  #accept(jobs: readonly ClaimedJob[], session: string): void {
    // A session that ended during the claim has lost these jobs; a stopping worker gives them back.
    if (session !== this.#options.session()) return;
    this.#share.buffer(jobs);
    this.#fill();
  }

  /** Starts what there is room for. Jobs whose handlers return at once make room for the next. */
  #fill(): void {
    if (this.#filling || this.#stopping) return;
    this.#filling = true;
    let ended = 0;
    while (this.#hasRoom() && ended < MAX_AT_ONCE) {
      const started = this.#share.start();
      if (started === undefined) break;
      if (this.#run(started)) ended += 1;
    }
    this.#filling = false;
    if (ended === MAX_AT_ONCE) setImmediate(() => this.#fill());
    if (ended > 0) this.#claimMore();
  }

  #hasRoom(): boolean {
    const { concurrency, outcomes } = this.#options;
    return this.#share.running < concurrency() && !outcomes.full;
  }

  /** Runs a job; answers whether it has ended already. */
  #run(started: StartedJob): boolean {
    const startedAt = this.#options.clock.elapsedMs();
    try {
      const outcome = runClaim(this.#options, started.job, started.abort);
      if (outcome instanceof Promise) {
        outcome.then(
          (later) => this.#endedLater(started, later, startedAt),
          (error: unknown) => this.#gaveUp(started, error),
        );
        return false;
      }
      this.#ended(started, outcome, startedAt);
    } catch (error) {
      this.#gaveUp(started, error);
    }
    return true;
  }

  #ended(started: StartedJob, outcome: RunOutcome, startedAt: number): void {
    const { notes, clock, outcomes } = this.#options;
    const { job } = started;
    if (outcome.kind !== 'none') {
      outcomes.add({ job, outcome, runMs: clock.elapsedMs() - startedAt });
    }
    notes.forget(job.id);
    this.#prefetch.finished();
    started.ended();
    if (job.suspect) {
      // Where one was there may be more: the next is looked for at once.
      this.due(true);
    }
  }

  #endedLater(started: StartedJob, outcome: RunOutcome, startedAt: number): void {
    this.#ended(started, outcome, startedAt);
    this.#fill();
    this.#claimMore();
  }

  /** Where the last claim found all there was, the next one waits for a hint. */
  #claimMore(): void {
    if (this.#mayBeMore && this.#wanted() > 0) this.#loop.wake();
  }

  #gaveUp(started: StartedJob, error: unknown): void {
    // If the claim still stands it is one that this process knows nothing of: it is given back.
    this.#unknownClaimsAt = Number.NEGATIVE_INFINITY;
    const { observer } = this.#options.context;
    observer.warn('a job ended without an outcome', { error, job: started.job.id });
    this.#loop.wake();
    this.#endedLater(started, { kind: 'none' }, 0);
  }
}
