import type { WriteContext } from '../commands/write-context.ts';
import { jobErrorFrom } from '../domain/job/job-error.ts';
import { createBackoff } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import { isDaybookError } from '../kernel/errors.ts';
import { isPermanent } from '../store/sqlstate.ts';
import { type EndedAttempt, writeCompleted, writeEnded } from './write-outcomes.ts';

export interface OutcomeWriter {
  /** Hands over an attempt; it is written with whatever else waits, at once when nothing does. */
  add(attempt: EndedAttempt): void;
  /** Attempts handed over and not written yet. */
  readonly size: number;
  /** The lease tokens of those attempts. */
  leaseTokens(): string[];
  /** Resolves once everything handed over so far is written or given up. */
  flushed(): Promise<void>;
  /** Gives up on what is not written: its lease is gone. */
  abandon(): void;
}

/** Outcomes per statement at the most. */
const BATCH = 1_000;
/** So often a part is tried as it is, before its halves are: one of them may go through. */
const TRIES_WHOLE = 3;
/** A single outcome that keeps failing is told of at its first failure, and then every so many. */
const TELL_EVERY = 100;

/** Attempts that could not be written with others. */
interface Part {
  readonly attempts: readonly EndedAttempt[];
  readonly tries: number;
}

/**
 * Writes outcomes in batches that form by themselves: while one batch is on its way, the next
 * gathers. A single job never waits for a batch to fill. What fails is tried again for as long as the
 * lease holds: as it is, then in ever smaller parts, so that one outcome holds up no others.
 */
export function createOutcomeWriter(context: WriteContext, clock: Clock): OutcomeWriter {
  let waiting: EndedAttempt[] = [];
  let parts: Part[] = [];
  let writing: readonly EndedAttempt[] = [];
  let busy: Promise<void> | null = null;
  let abandoned = new AbortController();

  async function writeAll(): Promise<void> {
    const backoff = createBackoff(50, 2_000, context.random);
    while (waiting.length + parts.length > 0) {
      const { signal } = abandoned;
      const round = nextRound();
      writing = round.flatMap(({ attempts }) => attempts);
      const failures = await writeEach(context, round);
      writing = [];
      if (signal.aborted) continue;
      for (const { part, error } of failures) {
        if (isDaybookError(error, 'database-unavailable')) waiting.unshift(...part.attempts);
        else parts.push(...insteadOf(context, part, error));
      }
      if (failures.length < round.length) backoff.reset();
      if (!failures.every(({ error }) => isPermanent(error))) {
        await clock.sleep(backoff.nextMs(), signal);
      }
    }
    busy = null;
  }

  /** What waits, completions and other ends apart, and beside it one part of what failed before. */
  function nextRound(): Part[] {
    const batch = waiting.slice(0, BATCH);
    waiting = waiting.slice(BATCH);
    const completed = batch.filter(({ outcome }) => outcome.kind === 'complete');
    const ended = batch.filter(({ outcome }) => outcome.kind !== 'complete');
    const fresh = [completed, ended].map((attempts) => ({ attempts, tries: 0 }));
    return [...fresh, ...parts.splice(0, 1)].filter(({ attempts }) => attempts.length > 0);
  }

  const unwritten = () => [...writing, ...parts.flatMap(({ attempts }) => attempts), ...waiting];
  return {
    get size() {
      let size = waiting.length + writing.length;
      for (const { attempts } of parts) size += attempts.length;
      return size;
    },
    leaseTokens: () => unwritten().map(({ job }) => job.leaseToken),
    add(attempt) {
      waiting.push(attempt);
      busy ??= Promise.resolve().then(writeAll);
    },
    flushed: () => busy ?? Promise.resolve(),
    abandon() {
      waiting = [];
      parts = [];
      abandoned.abort();
      abandoned = new AbortController();
    },
  };
}

async function writeEach(
  context: WriteContext,
  round: readonly Part[],
): Promise<{ readonly part: Part; readonly error: unknown }[]> {
  const failures: { part: Part; error: unknown }[] = [];
  const write = async (part: Part) => {
    const isCompletion = part.attempts[0]?.outcome.kind === 'complete';
    try {
      await (isCompletion ? writeCompleted : writeEnded)(context, part.attempts);
    } catch (error) {
      failures.push({ part, error });
    }
  };
  await Promise.all(round.map(write));
  return failures;
}

/**
 * What is tried instead of a part that could not be written: the same, its halves, a failure in the
 * place of a result that cannot be stored, or nothing.
 */
function insteadOf({ observer }: WriteContext, { attempts, tries }: Part, error: unknown): Part[] {
  const [attempt] = attempts;
  const isSingle = attempts.length === 1;
  if (!isPermanent(error) && (isSingle || tries < TRIES_WHOLE)) {
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
  if (attempt?.outcome.kind !== 'complete') {
    // The job stays claimed and unknown to this process, so that it is soon given back.
    observer.warn('an outcome could not be written', { error });
    return [];
  }
  observer.warn('a result could not be stored; its job has failed', { error });
  const cause = { name: 'ResultNotStored', message: jobErrorFrom(error).message };
  const outcome = { kind: 'fail', error: cause, retryable: true } as const;
  return [{ attempts: [{ ...attempt, outcome }], tries: 0 }];
}
