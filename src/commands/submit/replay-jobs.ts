import type { NewJob } from '../../domain/job/new-job.ts';
import type { JobState } from '../../domain/job/state.ts';
import { readBodies } from '../../store/statements/read-bodies.ts';
import { loadJobs } from '../read/load-jobs.ts';
import { type CommandOptions, executorFor, type WriteContext } from '../write-context.ts';
import type { SubmittedJob } from './prepare-job.ts';
import { submitJobs } from './submit-jobs.ts';

export interface ReplayOptions extends CommandOptions {
  /** Says what would be run again, and submits nothing. */
  readonly dryRun?: boolean | undefined;
  /** Where the new jobs go; default: each where the old one was last. */
  readonly queue?: string | undefined;
}

export interface Replayed {
  /** The job that is run again. */
  readonly of: JobState;
  /** The new job; null in a dry run. */
  readonly job: SubmittedJob | null;
}

export interface Replay {
  readonly replayed: readonly Replayed[];
  /** Jobs that cannot be run again, with the reason. */
  readonly skipped: readonly {
    readonly id: string;
    readonly code: 'job-not-found' | 'payload-erased';
  }[];
}

/**
 * Submits jobs again, as new jobs with the payload and settings of the old ones, whatever became of
 * those; all or none. The new ones run at once, hold no unique key, name the old one as `replayOf`, and
 * belong to its chain of work.
 * @throws DaybookError as `submitJobs`
 */
export async function replayJobs(
  context: WriteContext,
  ids: readonly string[],
  { dryRun = false, queue, ...options }: ReplayOptions = {},
): Promise<Replay> {
  const { tenantId } = context;
  const executor = executorFor(context, options);
  const loaded = await loadJobs(executor, tenantId, ids);
  const states = ids.flatMap((id) => loaded.get(id.toLowerCase())?.state ?? []);
  const whole = states.filter((state) => !state.payloadErased);
  const skipped = [
    ...ids
      .filter((id) => !loaded.has(id.toLowerCase()))
      .map((id) => ({ id, code: 'job-not-found' as const })),
    ...states
      .filter((state) => state.payloadErased)
      .map(({ id }) => ({ id, code: 'payload-erased' as const })),
  ];
  if (dryRun) return { replayed: whole.map((of) => ({ of, job: null })), skipped };
  const rows = await executor.run(readBodies, { tenantId, jobIds: whole.map(({ id }) => id) });
  const payloads = new Map(rows.map((row) => [row.job_id, row.payload]));
  const jobs = whole.map((state) => again(state, payloads.get(state.id) ?? null, queue));
  const submitted = await submitJobs(context, jobs, options);
  const replayed = whole.map((of, index) => ({ of, job: submitted[index] ?? null }));
  return { replayed, skipped };
}

function again(state: JobState, payload: unknown, queue = state.queue): NewJob {
  return {
    queue,
    type: state.type,
    payload,
    priority: state.priority,
    maxAttempts: state.maxAttempts,
    retryPolicy: state.retryPolicy ?? undefined,
    timeoutMs: state.timeoutMs ?? undefined,
    tags: state.tags,
    correlationId: state.correlation ?? state.id,
    replayOf: state.id,
  };
}
