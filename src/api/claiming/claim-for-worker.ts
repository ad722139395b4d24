import { type ClaimedJob, claimJobs, fromTheFront } from '../../commands/work/claim-jobs.ts';
import { endAttempts } from '../../commands/work/end-attempts.ts';
import {
  beatWorkerSession,
  endWorkerSession,
  markSuspectStart,
  openWorkerSession,
  hasSuspect,
} from '../../commands/work/worker-sessions.ts';
import type { WriteContext } from '../../commands/write-context.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { Api } from '../dependencies.ts';
import type { Turn, Turns } from '../requests/turns.ts';
import type { Wait } from '../requests/waits.ts';

/** What a worker over HTTP asks for. */
export interface ClaimOrder {
  readonly queue: string;
  readonly worker: string;
  readonly session?: string | undefined;
  readonly limit: number;
  readonly leaseMs: number;
  readonly waitMs: number;
}

export interface ClaimAnswer {
  readonly session: string;
  /** In ms since the epoch, by the database's clock. */
  readonly leaseUntilMs: number;
  readonly jobs: readonly ClaimedJob[];
}

/** Without a hint, how long until the queue is looked at again. */
const POLL_MS = 500;
/** Suspects are rare: while waiting, only every so many looks ask for one. */
const SUSPECT_EVERY = 4;
/** While waiting, the session is beaten for the worker: within a third of the shortest lease. */
const BEAT_EVERY_MS = 600;
/** Jobs are handed over with nearly their whole lease: a beat older than this is done again. */
const FRESH_MS = 200;

/**
 * Claims jobs for a worker over HTTP, waiting for one if none is due. Asking is a sign of life: it
 * counts as a heartbeat of the session, and while the worker waits it is beaten for.
 * Jobs claimed for a client that has gone meanwhile are given back at once.
 * @throws DaybookError `queue-not-found`, `worker-not-found`, `overloaded` while draining
 */
export async function claimForWorker(
  api: Api,
  turns: Turns<number>,
  order: ClaimOrder,
  wait: Wait,
): Promise<ClaimAnswer> {
  if (api.isDraining()) throw new DaybookError('overloaded', 'This process is shutting down.');
  const queueId = await api.context.names.queueId(order.queue);
  const session = await openOrBeat(api, order);
  const turn = turns.enter(queueId);
  try {
    const jobs = await claimUntilDue(api, order, session, turn, wait);
    if (wait.abandoned) {
      await releaseJobs(api, jobs);
      if (order.session === undefined) await endWorkerSession(api.context, session.id);
      return { session: session.id, leaseUntilMs: session.leaseUntilMs, jobs: [] };
    }
    await orRelease(api, jobs, () => session.beatIfOlderThan(FRESH_MS));
    return { session: session.id, leaseUntilMs: session.leaseUntilMs, jobs };
  } catch (error) {
    // Nobody will ever learn of a session that was opened for this request.
    if (order.session === undefined) await endUnknownSession(api, session.id);
    throw error;
  } finally {
    turn.leave();
  }
}

/** Gives jobs back that no worker has seen; their attempts do not count. */
export async function releaseJobs(api: Api, jobs: readonly ClaimedJob[]): Promise<void> {
  if (jobs.length === 0) return;
  const ends = jobs.map(({ id, leaseToken }) => ({
    id,
    command: { kind: 'release', leaseToken } as const,
  }));
  await endAttempts(api.context, ends);
}

/** Does what has to be done before jobs are handed over; if that fails they are given back. */
async function orRelease(
  api: Api,
  jobs: readonly ClaimedJob[],
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    await releaseJobs(api, jobs).catch((second: unknown) => {
      const { observer } = api.context;
      observer.warn('jobs that nobody got wait for their session to end', { error: second });
    });
    throw error;
  }
}

async function endUnknownSession({ context }: Api, session: string): Promise<void> {
  await endWorkerSession(context, session).catch((error: unknown) => {
    context.observer.warn('a session that nobody knows of waits for its lease to lapse', { error });
  });
}

async function claimUntilDue(
  api: Api,
  order: ClaimOrder,
  session: BeatenSession,
  turn: Turn,
  wait: Wait,
): Promise<readonly ClaimedJob[]> {
  const { clock } = api;
  const deadline = clock.elapsedMs() + order.waitMs;
  for (let looks = 0; ; looks += 1) {
    const jobs = await claimOnce(api, order, session.id, looks % SUSPECT_EVERY === 0);
    if (jobs.length > 0) {
      turn.pass();
      return jobs;
    }
    const leftMs = deadline - clock.elapsedMs();
    if (leftMs <= 0 || wait.signal.aborted || api.isDraining()) return [];
    // Looks of many waiting workers spread out by themselves if their pauses differ.
    const pauseMs = POLL_MS * (0.9 + 0.2 * api.context.random());
    await turn.wait(Math.min(pauseMs, leftMs), wait.signal);
    if (!wait.signal.aborted) await session.beatIfOlderThan(BEAT_EVERY_MS);
  }
}

async function claimOnce(
  api: Api,
  { queue, limit }: ClaimOrder,
  session: string,
  alsoSuspects: boolean,
): Promise<ClaimedJob[]> {
  const { context, limits } = api;
  const request = { queue, session, limit, maxBytes: limits.claimBytes, cursorsMs: fromTheFront };
  const jobs = await claimJobs(context, { ...request, suspects: false });
  if (jobs.length > 0 || !alsoSuspects) return jobs;
  if (await hasSuspect(context, session)) return [];
  const suspects = await claimJobs(context, { ...request, suspects: true });
  await orRelease(api, suspects, async () => {
    for (const { id, leaseToken } of suspects) {
      // Over HTTP nobody sees a handler start: a suspect, which comes alone, counts as started.
      await markSuspectStart(context, id, leaseToken);
    }
  });
  return suspects;
}

/** A session whose lease this request keeps fresh. */
interface BeatenSession {
  readonly id: string;
  readonly leaseUntilMs: number;
  /** @throws DaybookError `worker-not-found` when it has ended meanwhile */
  beatIfOlderThan(ms: number): Promise<void>;
}

async function openOrBeat({ context, clock }: Api, order: ClaimOrder): Promise<BeatenSession> {
  const id = order.session ?? (await openSession(context, order));
  let leaseUntilMs = 0;
  let beatenAt = 0;
  const beat = async () => {
    leaseUntilMs = (await beatWorkerSession(context, id)).lease_until;
    beatenAt = clock.elapsedMs();
  };
  await beat();
  return {
    id,
    get leaseUntilMs() {
      return leaseUntilMs;
    },
    async beatIfOlderThan(ms) {
      if (clock.elapsedMs() - beatenAt > ms) await beat();
    },
  };
}

function openSession(context: WriteContext, order: ClaimOrder): Promise<string> {
  return openWorkerSession(context, {
    name: order.worker,
    host: null,
    pid: null,
    version: null,
    queues: [order.queue],
    types: [],
    slots: order.limit,
    leaseMs: order.leaseMs,
  });
}
