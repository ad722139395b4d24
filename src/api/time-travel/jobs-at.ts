import { loadJobsAt } from '../../commands/read/load-jobs.ts';
import type { Moment } from '../../commands/read/moment.ts';
import type { WriteContext } from '../../commands/write-context.ts';
import { errorFingerprint } from '../../domain/job/error-fingerprint.ts';
import { type JobState, phaseOf } from '../../domain/job/state.ts';
import { sha256 } from '../../kernel/ids.ts';
import { jobsAt } from '../../projections/job-spans/queries.ts';
import {
  idBounds,
  type JobFilter,
  pageLimit,
  wantedStates,
} from '../../projections/job-status/job-filter.ts';
import type { JobPage, ListedJob } from '../../projections/job-status/queries.ts';
import { errorMessageLength } from '../../projections/job-status/table.ts';

/** Jobs that one request folds at the most. */
const MOST_FOLDED = 5_000;
const ROUND = 1_000;

/**
 * One page of the jobs that matched a filter at a moment, newest first. Who stood where comes from the
 * read model; what else is shown or asked for (tags, error, what kind of waiting) is folded from the
 * streams up to the moment, so the page is exact. Where few of many jobs match, the search ends after
 * 5,000: then the page is short, perhaps empty, and its cursor leads on.
 */
export async function listJobsAt(
  { database }: WriteContext,
  filter: JobFilter,
  { position, timeMs }: Moment,
): Promise<JobPage> {
  const { statuses } = wantedStates(filter);
  const limit = pageLimit(filter);
  // Ids made after the moment are only those of a clock that runs ahead.
  const bounded = {
    ...filter,
    submittedBeforeMs: Math.min(filter.submittedBeforeMs ?? Infinity, timeMs),
  };
  const { from, below } = idBounds(bounded);
  const found: ListedJob[] = [];
  let last = below;
  for (let folded = 0; folded < MOST_FOLDED; folded += ROUND) {
    const round = isFolded(filter) ? ROUND : limit + 1;
    const wanted = { ...filter, statuses, position, from, below: last, limit: round };
    const ids = await jobsAt(database, wanted);
    const jobs = await loadJobsAt(database, filter.tenantId, ids, position);
    for (const id of ids) {
      const state = jobs.get(id)?.state;
      const job = state === undefined ? undefined : listedAt(state, timeMs);
      if (job !== undefined && matches(job, filter)) {
        // One more than the page holds: there is a next one.
        if (found.length === limit) return { jobs: found, nextCursor: found.at(-1)?.id ?? null };
        found.push(job);
      }
      last = id;
    }
    if (ids.length < round) return { jobs: found, nextCursor: null };
  }
  return { jobs: found, nextCursor: last };
}

/** What only folding tells. */
function isFolded({ phases, tag, error, failure }: JobFilter): boolean {
  const waiting = phases?.some((phase) => ['scheduled', 'ready', 'retrying'].includes(phase));
  const given = [tag, error, failure].some((each) => each !== undefined);
  return given || (waiting ?? false);
}

function matches(job: ListedJob, { phases, tag, error, failure }: JobFilter): boolean {
  return (
    (phases?.includes(job.phase) ?? true) &&
    (tag === undefined || job.tags.includes(tag)) &&
    (failure === undefined || job.failure === failure.replaceAll('-', '')) &&
    (error === undefined ||
      job.error?.name === error ||
      (job.error?.message.includes(error) ?? false))
  );
}

/** A job as lists show it. */
function listedAt(state: JobState, timeMs: number): ListedJob {
  const { lastError } = state;
  return {
    id: state.id,
    version: state.version,
    queue: state.queue,
    type: state.type,
    status: state.status,
    phase: phaseOf(state, timeMs),
    priority: state.priority,
    failures: state.failures,
    maxAttempts: state.maxAttempts,
    runAtMs: state.runAtMs,
    submittedAtMs: state.submittedAtMs,
    startedAtMs: state.startedAtMs,
    endedAtMs: state.endedAtMs,
    failure: lastError && errorFingerprint(state.type, lastError, sha256),
    error: lastError && { name: lastError.name, message: beginning(lastError.message) },
    uniqueKey: state.uniqueKey,
    correlationId: state.correlation,
    tags: state.tags,
  };
}

/** As much of a message as the read model keeps, cut between characters as Postgres counts them. */
function beginning(message: string): string {
  return message.length <= errorMessageLength
    ? message
    : Array.from(message).slice(0, errorMessageLength).join('');
}
