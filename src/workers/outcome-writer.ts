import type { WriteContext } from '../commands/write-context.ts';
import { jobErrorFrom } from '../domain/job/job-error.ts';
import { createBackoff } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import { isDaybookError } from '../kernel/errors.ts';
import { roughBytes } from '../kernel/rough-bytes.ts';
import { isPermanent, mayBeTooMuch } from '../store/sqlstate.ts';
import { type EndedAttempt, writeCompleted, writeEnded } from './write-outcomes.ts';

export interface OutcomeWriter {
  /** Hands over an attempt; it is written with whatever else waits, at once when nothing does. */
  add(attempt: EndedAttempt): void;
  /** Whether so much waits to be written that no more jobs should be started. */
  readonly full: boolean;
  /** The lease tokens of attempts handed over and not written yet. */
  leaseTokens(): string[];
  /** Resolves once everything handed over so far is written or given up. */
  flushed(): Promise<void>;
  /** Gives up on what is not written: its lease is gone. */
  abandon(): void;
}

/** Outcomes that may wait to be written, and about how many bytes of results. */
const MAX_UNWRITTEN = 5_000;
const MAX_UNWRITTEN_BYTES = 64 * 1_048_576;
/** Outcomes per statement at the most, and about how many bytes of results (one more than fits). */
const BATCH = 1_000;
const BATCH_BYTES = 8 * 1_048_576;
/** So often a part is tried as it is, before its halves are: one of them may go through. */
const TRIES_WHOLE = 3;
/** A single outcome that keeps failing is told of at its first failure, and then every so many. */
const TELL_EVERY = 100;

/** An attempt, and about how many bytes its result takes. */
interface Unwritten {
  readonly attempt: EndedAttempt;
  readonly bytes: number;
}

/** Attempts that are written together. */
interface Part {
  readonly attempts: readonly Unwritten[];
  readonly tries: number;
}

/**
 * Writes outcomes in batches that form by themselves: while one batch is on its way, the next
 * gathers. A single job never waits for a batch to fill. What fails is tried again for as long as the
 * lease holds, beside the fresh ones: as it is, then in ever smaller parts, so that one outcome (whose
 * job another transaction holds, say) holds up no others.
 */
export function createOutcomeWriter(context: WriteContext, clock: Clock): OutcomeWriter {
  return new Writer(context, clock);
}

class Writer implements OutcomeWriter {
  readonly #context: WriteContext;
  readonly #clock: Clock;
  readonly #underWay = new Set<Part>();
  #fresh: Unwritten[] = [];
  /** What has failed before. */
  #parts: Part[] = [];
  #size = 0;
  #bytes = 0;
  #writing: Promise<void> | null = null;
  #mending: Promise<void> | null = null;
  #abandoned = new AbortController();

  constructor(context: WriteContext, clock: Clock) {
    this.#context = context;
    this.#clock = clock;
  }

  get full(): boolean {
    return this.#size >= MAX_UNWRITTEN || this.#bytes >= MAX_UNWRITTEN_BYTES;
  }

  leaseTokens(): string[] {
    const parts = [...this.#underWay, ...this.#parts].flatMap(({ attempts }) => attempts);
    return [...parts, ...this.#fresh].map(({ attempt }) => attempt.job.leaseToken);
  }

  add(attempt: EndedAttempt): void {
    const { outcome } = attempt;
    const bytes = outcome.kind === 'complete' ? roughBytes(outcome.result) : 0;
    this.#size += 1;
    this.#bytes += bytes;
    this.#fresh.push({ attempt, bytes });
    this.#writing ??= Promise.resolve().then(() => this.#writeFresh());
  }

  async flushed(): Promise<void> {
    while (this.#writing !== null || this.#mending !== null) {
      await Promise.all([this.#writing, this.#mending]);
    }
  }

  abandon(): void {
    this.#forget(this.#fresh);
    for (const { attempts } of this.#parts) this.#forget(attempts);
    this.#fresh = [];
    this.#parts = [];
    this.#abandoned.abort();
    this.#abandoned = new AbortController();
  }

  #forget(attempts: readonly Unwritten[]): void {
    this.#size -= attempts.length;
    for (const { bytes } of attempts) this.#bytes -= bytes;
  }

  async #writeFresh(): Promise<void> {
    const backoff = createBackoff(50, 2_000, this.#context.random);
    while (this.#fresh.length > 0) {
      const { signal } = this.#abandoned;
      const errors = await Promise.all(this.#nextRound().map((part) => this.#write(part, signal)));
      const failures = errors.filter((error) => error !== undefined);
      if (failures.length < errors.length) backoff.reset();
      if (failures.some(mayPass)) await this.#clock.sleep(backoff.nextMs(), signal);
    }
    this.#writing = null;
  }

  /** One part after the other, each as often as it takes. */
  async #mend(): Promise<void> {
    const backoff = createBackoff(50, 2_000, this.#context.random);
    for (;;) {
      const [part] = this.#parts.splice(0, 1);
      if (part === undefined) break;
      const { signal } = this.#abandoned;
      const error = await this.#write(part, signal);
      if (error === undefined) backoff.reset();
      else if (mayPass(error)) await this.#clock.sleep(backoff.nextMs(), signal);
    }
    this.#mending = null;
  }

  /** The oldest that wait, completions and other ends apart. */
  #nextRound(): Part[] {
    const batch = this.#fresh.splice(0, batchLength(this.#fresh));
    const isCompletion = ({ attempt }: Unwritten) => attempt.outcome.kind === 'complete';
    const completed = batch.filter(isCompletion);
    const ended = batch.filter((each) => !isCompletion(each));
    return [completed, ended]
      .filter((attempts) => attempts.length > 0)
      .map((attempts) => ({ attempts, tries: 0 }));
  }

  /** Writes a part, or puts back what is to be tried instead; answers why, if it failed. */
  async #write(part: Part, signal: AbortSignal): Promise<unknown> {
    this.#underWay.add(part);
    const failure = await writePart(this.#context, part);
    this.#underWay.delete(part);
    if (failure === undefined || signal.aborted) {
      this.#forget(part.attempts);
      return undefined;
    }
    const { error } = failure;
    if (isDaybookError(error, 'database-unavailable') && !mayBeTooMuch(error)) {
      this.#fresh.unshift(...part.attempts);
      this.#writing ??= this.#writeFresh();
      return error;
    }
    const instead = insteadOf(this.#context, part, error);
    if (instead.length === 0) this.#forget(part.attempts);
    this.#parts.push(...instead);
    if (instead.length > 0) this.#mending ??= this.#mend();
    return error;
  }
}

/** How many of those that wait go into one batch: at least one. */
function batchLength(waiting: readonly Unwritten[]): number {
  let bytes = 0;
  const over = waiting.findIndex((each, index) => {
    if (index === BATCH || bytes >= BATCH_BYTES) return true;
    bytes += each.bytes;
    return false;
  });
  return over === -1 ? waiting.length : over;
}

/** Whether trying the same again later makes sense, and not at once. */
function mayPass(error: unknown): boolean {
  return !isPermanent(error);
}

async function writePart(
  context: WriteContext,
  { attempts }: Part,
): Promise<{ readonly error: unknown } | undefined> {
  const ended = attempts.map(({ attempt }) => attempt);
  const isCompletion = ended[0]?.outcome.kind === 'complete';
  try {
    await (isCompletion ? writeCompleted : writeEnded)(context, ended);
    return undefined;
  } catch (error) {
    return { error };
  }
}

/**
 * What is tried instead of a part that could not be written: the same, its halves, a failure in the
 * place of a result that cannot be stored, or nothing.
 */
function insteadOf({ observer }: WriteContext, { attempts, tries }: Part, error: unknown): Part[] {
  const [first] = attempts;
  const isSingle = attempts.length === 1;
  // What another transaction holds is one of the jobs; the others are recorded, or are so at once.
  const isOneOfThem = isDaybookError(error, 'concurrent-change');
  if (!isPermanent(error) && (isSingle || (tries < TRIES_WHOLE && !isOneOfThem))) {
    if (tries % TELL_EVERY === 0) {
      observer.warn('outcomes could not be written yet', { error, jobs: attempts.length });
    }
    return [{ attempts, tries: tries + 1 }];
  }
  if (!isSingle) {
    const half = Math.ceil(attempts.length / 2);
    return [attempts.slice(0, half), attempts.slice(half)].map((part) => ({
      attempts: part,
      tries: 0,
    }));
  }
  if (first?.attempt.outcome.kind !== 'complete') {
    // The job stays claimed and unknown to this process, so that it is soon given back.
    observer.warn('an outcome could not be written', { error });
    return [];
  }
  observer.warn('a result could not be stored; its job has failed', { error });
  const cause = { name: 'ResultNotStored', message: jobErrorFrom(error).message };
  const outcome = { kind: 'fail', error: cause, retryable: true } as const;
  const attempt = { ...first.attempt, outcome };
  return [{ attempts: [{ ...first, attempt }], tries: 0 }];
}
