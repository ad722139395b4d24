import type { RecordedJobEvent } from '../../domain/job/events.ts';
import { foldJob } from '../../domain/job/evolve.ts';
import { hasEnded, type JobPhase, type JobState, phaseOf } from '../../domain/job/state.ts';
import { formatWriteToken } from '../../domain/write-token.ts';
import type { Clock } from '../../kernel/clock.ts';
import { readBodies } from '../../store/statements/read-bodies.ts';
import { type Bodies, type LoadedJob, loadJobs, loadWholeJob } from './load-jobs.ts';
import { type At, type Moment, resolveAt } from './moment.ts';
import { type CommandOptions, executorFor, type WriteContext } from '../write-context.ts';

/** A job with everything that is known of it, always up to date; or as it was at a moment. */
export interface JobSnapshot {
  readonly state: JobState;
  readonly phase: JobPhase;
  readonly payload: unknown;
  /** Null until it has completed, and where its handler returned nothing. */
  readonly result: unknown;
  readonly progress: unknown;
  readonly events: readonly RecordedJobEvent[];
  /** Names the newest event; see write-token.ts. */
  readonly token: string;
  /** The moment that was asked for; null for the present. */
  readonly asOf: Moment | null;
}

export interface ReadOptions extends CommandOptions {
  /** As of this moment: a time, or a position of the log. Default: the present. */
  readonly at?: At | undefined;
}

/**
 * One job by id; null for an unknown one, or one that was not born at the moment asked for.
 * @throws DaybookError those of `resolveAt`
 */
export async function readJob(
  context: WriteContext,
  id: string,
  { at, ...options }: ReadOptions = {},
): Promise<JobSnapshot | null> {
  const executor = executorFor(context, options);
  const moment = at === undefined ? null : await resolveAt(executor, at);
  const found = await loadWholeJob(executor, context.tenantId, id);
  if (found === undefined) return null;
  const { job, bodies } = found;
  return moment === null ? snapshotOf(job, bodies) : snapshotAt(job, bodies, moment);
}

/**
 * A job at a moment. Bodies are kept once, as they are now: a payload that was changed or erased
 * since, and progress, are gone.
 */
function snapshotAt(now: LoadedJob, body: Bodies, moment: Moment): JobSnapshot | null {
  const { position, timeMs } = moment;
  const events = now.events.filter((event) => (event.position ?? position + 1n) <= position);
  const state = foldJob(events);
  if (state === null) return null;
  const present = now.state;
  return {
    state,
    phase: phaseOf(state, timeMs),
    payload: present.payloadHash === state.payloadHash ? body.payload : null,
    result: state.status === 'completed' ? body.result : null,
    progress: null,
    events,
    token: formatWriteToken({
      epoch: events.at(-1)?.epoch ?? now.epoch,
      streamId: state.id,
      version: state.version,
    }),
    asOf: moment,
  };
}

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly clock: Clock;
}

/**
 * Waits until the job has ended (completed, dead or cancelled), or the time is over: then it answers
 * the job as it is. Null for an unknown job.
 */
export async function waitForJob(
  context: WriteContext,
  id: string,
  { timeoutMs, signal, clock }: WaitOptions,
): Promise<JobSnapshot | null> {
  const over = new AbortController();
  const cancel = clock.after(timeoutMs, () => over.abort());
  // Watching begins before the look, so that an end between the two is not slept through.
  const watcher = context.jobWatch.enter(id);
  try {
    const loaded = await loadJobs(context.database, context.tenantId, [id]);
    const job = loaded.get(id.toLowerCase());
    if (job === undefined) return null;
    if (hasEnded(job.state)) return await withBodies(context, job);
    const signals = signal === undefined ? [over.signal] : [over.signal, signal];
    const ended = await watcher.ended(AbortSignal.any(signals));
    if (ended === null) return await readJob(context, id);
    return await withBodies(context, ended);
  } finally {
    watcher.leave();
    cancel();
  }
}

async function withBodies(
  { database, tenantId }: WriteContext,
  job: LoadedJob,
): Promise<JobSnapshot> {
  const [bodies] = await database.run(readBodies, { tenantId, jobIds: [job.state.id] });
  return snapshotOf(job, bodies);
}

function snapshotOf(loaded: LoadedJob, body: Bodies | undefined): JobSnapshot {
  const { state, events, readAtMs, epoch } = loaded;
  return {
    state,
    phase: phaseOf(state, readAtMs),
    payload: body?.payload ?? null,
    result: body?.result ?? null,
    progress: body?.progress ?? null,
    events,
    token: formatWriteToken({ epoch, streamId: state.id, version: state.version }),
    asOf: null,
  };
}
