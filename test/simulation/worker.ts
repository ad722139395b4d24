import type { JobCommand } from '../../src/domain/job/commands.ts';
import type { Chance } from './chance.ts';
import { changeJob, completeJob, type Outcome } from './commands.ts';
import { type ClaimedJob, claimJobs } from './model/claim-jobs.ts';
import {
  beatSession,
  endSession,
  listHeldClaims,
  markStart,
  openSession,
} from './model/sessions.ts';
import type { RunPlan } from './scenario.ts';
import type { Link, Server } from './server.ts';
import type { WitnessBook } from './witness-book.ts';
import { type Group, type Steps, until, type World } from './world.ts';

export interface WorkerOptions {
  readonly world: World;
  readonly chance: Chance;
  readonly server: Server;
  readonly book: WitnessBook;
  /** What a job is to do this time. */
  nextRun(jobId: string): RunPlan;
}

/** A worker process. */
export interface Worker {
  readonly process: Group;
  readonly link: Link;
  /** SIGTERM: ends its session, whatever is under way, and then itself. */
  stop(): void;
}

export const LEASE_MS = 3_000;
const BEAT_MS = 1_000;
const POLL_MS = 400;
const CONCURRENCY = 2;
const UNKNOWN_CLAIMS_EVERY_MS = 3_000;

/** A session as its process knows it: of every claim, whether it was told to stop, and why. */
interface Session {
  readonly id: string;
  beatenAtMs: number;
  lost: boolean;
  readonly held: Map<string, Held>;
}

interface Held {
  readonly job: ClaimedJob;
  cancelled: boolean;
}

/**
 * Starts a worker: it beats, claims, runs and writes outcomes as src/workers does, in few words. It may
 * be killed or stopped between any two steps, and goes on after a stop as if no time had passed.
 */
export function startWorker(options: WorkerOptions): Worker {
  const { world, server } = options;
  const process = world.group();
  const link = server.link();
  let current: Session | null = null;
  const told = (session: Session) => {
    current = session;
  };
  process.spawn(work(options, process, link, told));
  function* end(): Steps {
    const session = current;
    if (session !== null) yield* link.call((tx) => endSession(tx, session.id));
    process.kill();
  }
  return { process, link, stop: () => void process.spawn(end()) };
}

function* work(
  options: WorkerOptions,
  process: Group,
  link: Link,
  told: (session: Session) => void,
): Steps {
  const { world, server } = options;
  for (;;) {
    const id = server.model.newId();
    const beatenAtMs = world.nowMs;
    const opened = yield* link.call((tx) => openSession(tx, id, LEASE_MS));
    if (!opened.answered) continue;
    const session: Session = { id, beatenAtMs, lost: false, held: new Map() };
    told(session);
    const stopBeating = process.spawn(beat(options, link, session));
    yield* claim(options, process, link, session);
    stopBeating();
  }
}

/** Beats until the session has ended, or may have: without a beat for a whole lease it is lost. */
function* beat({ world }: WorkerOptions, link: Link, session: Session): Steps {
  while (!session.lost) {
    yield* sleep(world, BEAT_MS);
    const askedAtMs = world.nowMs;
    const answer = yield* link.call((tx) => beatSession(tx, session.id, LEASE_MS));
    if (answer.answered && answer.value === null) session.lost = true;
    if (answer.answered && answer.value !== null) {
      session.beatenAtMs = askedAtMs;
      for (const id of answer.value.cancelRequested) {
        for (const held of session.held.values()) held.cancelled ||= held.job.id === id;
      }
    }
    if (world.nowMs - session.beatenAtMs > LEASE_MS) session.lost = true;
  }
}

/** Claims, from one queue and the other, until the session is lost. */
function* claim(options: WorkerOptions, process: Group, link: Link, session: Session): Steps {
  const { world, chance, server } = options;
  let unknownAtMs = world.nowMs;
  while (!session.lost) {
    yield* sleep(world, chance.between(POLL_MS / 2, POLL_MS));
    if (world.nowMs - unknownAtMs > UNKNOWN_CLAIMS_EVERY_MS) {
      unknownAtMs = world.nowMs;
      yield* releaseUnknown(options, link, session);
    }
    const queue = chance.happens(0.5) ? 'a' : 'b';
    const holdsSuspect = [...session.held.values()].some(({ job }) => job.suspect);
    const suspects = !holdsSuspect && chance.happens(0.5);
    const limit = suspects ? 1 : CONCURRENCY - session.held.size;
    if (limit <= 0) continue;
    const request = { session: session.id, queue, suspects, limit };
    const claimed = yield* link.call((tx) => claimJobs(tx, request, server.model.newId));
    if (!claimed.answered || session.lost) continue;
    for (const job of claimed.value) {
      const held: Held = { job, cancelled: false };
      session.held.set(job.leaseToken, held);
      process.spawn(run(options, process, link, session, held));
    }
  }
}

/** Gives back what the session holds and this process knows nothing of. */
function* releaseUnknown({ chance, book }: WorkerOptions, link: Link, session: Session): Steps {
  // oxlint-disable-next-line require-yield -- a statement that waits for nothing
  const held = yield* link.call(function* list(tx): Steps<ReturnType<typeof listHeldClaims>> {
    return listHeldClaims(tx, session.id);
  });
  if (!held.answered) return;
  for (const { id, leaseToken } of held.value) {
    if (session.held.has(leaseToken)) continue;
    const { code } = yield* changeJob(link, chance, id, { kind: 'release', leaseToken });
    book.answered({ jobId: id, leaseToken }, 'release', code);
  }
}

function* run(
  options: WorkerOptions,
  process: Group,
  link: Link,
  session: Session,
  held: Held,
): Steps {
  const { world, book } = options;
  const { id: jobId, leaseToken, version: claimVersion, suspect } = held.job;
  if (suspect) {
    const marked = yield* link.call((tx) => markStart(tx, jobId, leaseToken));
    if (!marked.answered || !marked.value) {
      session.held.delete(leaseToken);
      return;
    }
  }
  book.write({ kind: 'handler-started', jobId, claimVersion });
  const { does, takesMs, frozenMs } = options.nextRun(jobId);
  yield* sleep(world, takesMs);
  if (does === 'crash') {
    process.kill();
    return;
  }
  const resultHash = `${jobId} ${claimVersion} ${world.nowMs}`;
  const how = does === 'return' || does === 'snooze' ? 'returned' : 'threw';
  book.write({ kind: 'handler-ended', jobId, claimVersion, how, resultHash });
  if (frozenMs > 0) {
    process.pause();
    world.after(frozenMs, () => process.wake());
    yield* sleep(world, 0);
  }
  if (held.cancelled) yield* write(options, link, session, held, 'release', resultHash);
  else yield* write(options, link, session, held, does, resultHash);
  session.held.delete(leaseToken);
}

/** Writes an outcome: again and again, for as long as the session is not known to be lost. */
function* write(
  { world, chance, book }: WorkerOptions,
  link: Link,
  session: Session,
  { job: { id, leaseToken } }: Held,
  does: RunPlan['does'] | 'release',
  resultHash: string,
): Steps {
  const command = commandFor(does, leaseToken);
  while (!session.lost) {
    const code: Outcome['code'] =
      command.kind === 'complete'
        ? yield* completeJob(link, { id, leaseToken, resultHash })
        : (yield* changeJob(link, chance, id, command)).code;
    book.answered({ jobId: id, leaseToken }, command.kind, code);
    if (code !== 'unknown' && code !== 'concurrent-change') return;
    yield* sleep(world, chance.between(50, 300));
  }
}

type Ending = Extract<JobCommand, { kind: 'complete' | 'fail' | 'snooze' | 'release' }>;

function commandFor(does: RunPlan['does'] | 'release', leaseToken: string): Ending {
  const error = { name: 'Error', message: does };
  switch (does) {
    case 'return':
      return { kind: 'complete', leaseToken };
    case 'snooze':
      return { kind: 'snooze', leaseToken, delayMs: 700 };
    case 'release':
      return { kind: 'release', leaseToken };
    case 'throw':
      return { kind: 'fail', leaseToken, error, retryable: true };
    default:
      return { kind: 'fail', leaseToken, error, retryable: false };
  }
}

export function sleep(world: World, ms: number): Steps {
  return until((done) => world.after(ms, () => done(undefined)));
}
