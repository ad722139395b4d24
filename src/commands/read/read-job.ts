import type { RecordedJobEvent } from '../../domain/job/events.ts';
import { hasEnded, type JobPhase, type JobState, phaseOf } from '../../domain/job/state.ts';
import { formatWriteToken } from '../../domain/write-token.ts';
import type { Clock } from '../../kernel/clock.ts';
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
  if (loaded === undefined) return null;
  const { tenantId } = context;
  const [body] = await executor.run(readBodies, { tenantId, jobIds: [loaded.state.id] });
  return snapshotOf(loaded, body);
}

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly clock: Clock;
}

/** While waiting, a job is looked at no more often than this, however many hints come. */
const LOOK_EVERY_MS = 10;
/** And at least this often, without any hint. */
const POLL_MS = 500;

/**
 * Waits until the job has ended (completed, dead or cancelled), or the time is over: then it answers
 * the job as it is. Null for an unknown job.
 */
export async function waitForJob(
  context: WriteContext,
  id: string,
  { timeoutMs, signal, clock }: WaitOptions,
): Promise<JobSnapshot | null> {
  const deadline = clock.elapsedMs() + timeoutMs;
  for (;;) {
    // Listening begins before the look, so that an end between the two is not slept through.
    const hint = hintOf(context);
    const loaded = await loadJobs(context.database, context.tenantId, [id]);
    const job = loaded.get(id.toLowerCase());
    const leftMs = deadline - clock.elapsedMs();
    if (job === undefined || hasEnded(job.state) || leftMs <= 0 || signal?.aborted === true) {
      hint.stop();
      return job === undefined ? null : readJob(context, id);
    }
    await clock.sleep(Math.min(POLL_MS, leftMs), AbortSignal.any([hint.signal, ...only(signal)]));
    hint.stop();
    await clock.sleep(Math.min(LOOK_EVERY_MS, leftMs), signal);
  }
}

function only(signal: AbortSignal | undefined): AbortSignal[] {
  return signal === undefined ? [] : [signal];
}

function hintOf({ wakeUp }: WriteContext): { readonly signal: AbortSignal; stop(): void } {
  const heard = new AbortController();
  const stops = (['inbox', 'log'] as const).map((topic) => wakeUp.on(topic, () => heard.abort()));
  return {
    signal: heard.signal,
    stop() {
      for (const stop of stops) stop();
    },
  };
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
