import type { RecordedJobEvent } from '../../domain/job/events.ts';
import { hasEnded, type JobPhase, type JobState, phaseOf } from '../../domain/job/state.ts';
import { formatWriteToken } from '../../domain/write-token.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Executor } from '../../store/statement.ts';
import { readBodies } from '../../store/statements/read-bodies.ts';
import { type LoadedJob, loadJobs } from './load-jobs.ts';
import { type CommandOptions, executorFor, type WriteContext } from '../write-context.ts';

/** A job with everything that is known of it, always up to date. */
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
}

/** One job by id; null for an unknown one. */
export async function readJob(
  context: WriteContext,
  id: string,
  options: CommandOptions = {},
): Promise<JobSnapshot | null> {
  const executor = executorFor(context, options);
  const loaded = (await loadJobs(executor, context.tenantId, [id])).get(id.toLowerCase());
  return loaded === undefined ? null : withBodies(context, executor, loaded);
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
    if (hasEnded(job.state)) return await withBodies(context, context.database, job);
    const signals = signal === undefined ? [over.signal] : [over.signal, signal];
    const ended = await watcher.ended(AbortSignal.any(signals));
    if (ended === null) return await readJob(context, id);
    return await withBodies(context, context.database, ended);
  } finally {
    watcher.leave();
    cancel();
  }
}

async function withBodies(
  { tenantId }: WriteContext,
  executor: Executor,
  job: LoadedJob,
): Promise<JobSnapshot> {
  const [body] = await executor.run(readBodies, { tenantId, jobIds: [job.state.id] });
  return snapshotOf(job, body);
}

function snapshotOf(
  loaded: LoadedJob,
  body: { payload: unknown; result: unknown; progress: unknown } | undefined,
): JobSnapshot {
  const { state, events, readAtMs, epoch } = loaded;
  return {
    state,
    phase: phaseOf(state, readAtMs),
    payload: body?.payload ?? null,
    result: body?.result ?? null,
    progress: body?.progress ?? null,
    events,
    token: formatWriteToken({ epoch, streamId: state.id, version: state.version }),
  };
}
