import type { JobChanges, RecordedJobEvent } from '../domain/job/events.ts';
import type { NewJob } from '../domain/job/new-job.ts';
import { hasEnded } from '../domain/job/state.ts';
import type { Clock } from '../kernel/clock.ts';
import { DaybookError } from '../kernel/errors.ts';
import { changeJobs, type JobChange, type JobChanged } from './change/change-jobs.ts';
import { changeQueue, type Queue } from './change/change-queue.ts';
import { jobEdit } from './change/job-edit.ts';
import { type Explanation, explainJob } from './read/explain-job.ts';
import { loadJobs } from './read/load-jobs.ts';
import { type JobSnapshot, readJob, type ReadOptions, waitForJob } from './read/read-job.ts';
import { mustBeSound, type SubmittedJob } from './submit/prepare-job.ts';
import { type Replay, replayJobs, type ReplayOptions } from './submit/replay-jobs.ts';
import { submitJobs } from './submit/submit-jobs.ts';
import { type CommandOptions, executorFor, type WriteContext } from './write-context.ts';

export interface ReasonOptions extends CommandOptions {
  /** Kept in the event; up to 500 characters. */
  readonly reason?: string;
}

export interface JobEdit extends Omit<JobChanges, 'payloadHash' | 'payloadBytes'> {
  readonly payload?: unknown;
}

/**
 * What one does with jobs and queues. Every method throws DaybookError with a stable code; only what
 * your own `client` answers comes as the driver throws it.
 */
export interface JobDesk {
  /** Submits one job. @throws DaybookError see docs/errors.md */
  submit(job: NewJob, options?: CommandOptions): Promise<SubmittedJob>;
  /** Submits up to 10,000 jobs, all or none. */
  submitMany(jobs: readonly NewJob[], options?: CommandOptions): Promise<SubmittedJob[]>;
  /**
   * One job, always up to date, or as it was `at` a time or position; null for an unknown id, and for
   * a job that was not born then.
   * @throws DaybookError `moment-in-future`, `moment-before-log`
   */
  get(id: string, options?: ReadOptions): Promise<JobSnapshot | null>;
  /** Everything that ever happened to a job, in order; empty for an unknown id. */
  history(id: string): Promise<readonly RecordedJobEvent[]>;
  /**
   * Waits until the job is completed, dead or cancelled.
   * @throws DaybookError `wait-timeout` after `timeoutMs` (default 60,000), `job-not-found`
   */
  waitFor(
    id: string,
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<JobSnapshot>;
  /** Why a job is where it is. @throws DaybookError `job-not-found` */
  explain(id: string): Promise<Explanation>;
  /** Runs jobs again as new ones, whatever became of them. */
  replay(ids: readonly string[], options?: ReplayOptions): Promise<Replay>;
  /** Cancels a waiting job at once; asks a running one to stop. */
  cancel(id: string, options?: ReasonOptions): Promise<JobChanged>;
  /** Brings a dead job back for one more attempt, or runs a waiting one now (or after `delayMs`). */
  retry(id: string, options?: ReasonOptions & { readonly delayMs?: number }): Promise<JobChanged>;
  /** Gives a waiting job another time, in ms since the epoch. */
  reschedule(id: string, runAtMs: number, options?: ReasonOptions): Promise<JobChanged>;
  /** Changes a waiting job. A new payload is checked as that of a submission is. */
  edit(id: string, changes: JobEdit, options?: ReasonOptions): Promise<JobChanged>;
  /** Moves a waiting job to another queue. */
  move(id: string, queue: string, options?: ReasonOptions): Promise<JobChanged>;
  /** Stops claims from a queue; running jobs go on. */
  pauseQueue(queue: string, options?: ReasonOptions): Promise<Queue>;
  resumeQueue(queue: string, options?: ReasonOptions): Promise<Queue>;
}

export function createJobDesk(context: WriteContext, clock: Clock): JobDesk {
  const change = async (
    id: string,
    command: JobChange['command'],
    options: CommandOptions,
    payload?: string,
  ): Promise<JobChanged> => {
    const changes = [{ id, command, ...(payload === undefined ? {} : { payload }) }];
    const [outcome] = await changeJobs(context, changes, options);
    if (outcome?.rejection === undefined && outcome !== undefined) return outcome;
    throw new DaybookError(outcome?.rejection.code ?? 'internal', outcome?.rejection.detail ?? '');
  };
  const submitMany: JobDesk['submitMany'] = (jobs, options) => submitJobs(context, jobs, options);
  return {
    submitMany,
    async submit(job, options) {
      const [submitted] = await submitMany([job], options);
      if (submitted === undefined) throw new DaybookError('internal', 'No job was submitted.');
      return submitted;
    },
    get: (id, options) => readJob(context, id, options),
    history: async (id) => (await readJob(context, id))?.events ?? [],
    async waitFor(id, { timeoutMs = 60_000, signal } = {}) {
      const job = await waitForJob(context, id, { timeoutMs, signal, clock });
      if (job === null) throw new DaybookError('job-not-found', `There is no job ${id}.`);
      if (hasEnded(job.state)) return job;
      throw new DaybookError('wait-timeout', `The job is ${job.phase} after ${timeoutMs} ms.`);
    },
    explain: (id) => explainJob(context, id),
    replay: (ids, options) => replayJobs(context, ids, options),
    cancel: (id, { reason = null, ...options }: Reason = {}) =>
      change(id, { kind: 'cancel', reason }, options),
    async retry(
      id,
      { reason = null, delayMs = 0, ...options }: Reason & { delayMs?: number } = {},
    ) {
      mustBeSound({ type: 'any', delayMs });
      return change(id, { kind: 'retry', reason, delayMs }, options);
    },
    async reschedule(id, runAtMs, { reason = null, ...options }: Reason = {}) {
      mustBeSound({ type: 'any', runAtMs });
      return change(id, { kind: 'reschedule', runAtMs, reason }, options);
    },
    move: (id, queue, { reason = null, ...options }: Reason = {}) =>
      change(id, { kind: 'move', queue, reason }, options),
    async edit(id, { payload, ...changes }, { reason = null, ...options }: Reason = {}) {
      mustBeSound({ type: 'any', ...changes, timeoutMs: changes.timeoutMs ?? undefined });
      const loaded = await loadJobs(executorFor(context, options), context.tenantId, [id]);
      const job = loaded.get(id.toLowerCase());
      if (job === undefined) throw new DaybookError('job-not-found', `There is no job ${id}.`);
      const edit = jobEdit(context, { type: job.state.type, changes, payload, reason });
      return change(id, edit.command, options, edit.payload);
    },
    pauseQueue: (queue, { reason = null, ...options }: Reason = {}) =>
      changeQueue(context, queue, { kind: 'pause', reason }, options),
    resumeQueue: (queue, { reason = null, ...options }: Reason = {}) =>
      changeQueue(context, queue, { kind: 'resume', reason }, options),
  };
}

type Reason = CommandOptions & { readonly reason?: string | null };
