import type { JobPhase, JobStatus } from '../../domain/job/state.ts';

/** Which jobs to list. What is absent restricts nothing; times are ms since the epoch. */
export interface JobFilter {
  readonly tenantId: number;
  readonly queueId?: number | undefined;
  readonly statuses?: readonly JobStatus[] | undefined;
  /** As a reader sees them now; together with `statuses`, both must hold. */
  readonly phases?: readonly JobPhase[] | undefined;
  readonly typeId?: number | undefined;
  readonly tag?: string | undefined;
  /** Submitted at this time or later. */
  readonly submittedAfterMs?: number | undefined;
  /** Submitted before this time. */
  readonly submittedBeforeMs?: number | undefined;
  /** The name of the newest error, or a part of its message (of its first 200 characters). */
  readonly error?: string | undefined;
  /** The fingerprint of the newest error: 32 hex digits. */
  readonly failure?: string | undefined;
  /** `nextCursor` of the page before: the id of its last job. */
  readonly cursor?: string | undefined;
  /** Jobs on the page, 1 to 1,000; other numbers are brought into this range. */
  readonly limit: number;
}

/** What a filter says about status and phase. */
export interface WantedStates {
  readonly statuses: readonly JobStatus[];
  /** Which of the waiting jobs are wanted. */
  readonly scheduled: boolean;
  readonly ready: boolean;
  readonly retrying: boolean;
  /** Every state there is. */
  readonly all: boolean;
}

const phases: Readonly<Record<JobStatus, readonly JobPhase[]>> = {
  waiting: ['scheduled', 'ready', 'retrying'],
  running: ['running'],
  completed: ['completed'],
  dead: ['dead'],
  cancelled: ['cancelled'],
};
const allStatuses = Object.keys(phases) as JobStatus[];

/** The states that have both a status and a phase of the filter; `statuses` is empty for none. */
export function wantedStates(filter: Pick<JobFilter, 'statuses' | 'phases'>): WantedStates {
  const wants = (phase: JobPhase) => filter.phases?.includes(phase) ?? true;
  const statuses = allStatuses.filter(
    (status) => (filter.statuses?.includes(status) ?? true) && phases[status].some(wants),
  );
  const scheduled = wants('scheduled');
  const ready = wants('ready');
  const retrying = wants('retrying');
  const all = statuses.length === allStatuses.length && scheduled && ready && retrying;
  return { statuses, scheduled, ready, retrying, all };
}

const MOST = 1_000;

/** How many jobs the page holds at the most. */
export function pageLimit({ limit }: Pick<JobFilter, 'limit'>): number {
  return Math.min(Math.max(Math.trunc(limit), 1), MOST);
}

/**
 * How far the clock of a process that makes ids may be from the database's, in ms, before a search
 * by time misses its jobs.
 */
const SKEW_MS = 3_600_000;

/** What times and cursor say about ids, which begin with the time they were made at. */
export function idBounds({
  submittedAfterMs = 0,
  submittedBeforeMs = Infinity,
  cursor,
}: Pick<JobFilter, 'submittedAfterMs' | 'submittedBeforeMs' | 'cursor'>): {
  /** The lowest id that may be on the page. */
  readonly from: string;
  /** Ids of the page are below this one. */
  readonly below: string;
} {
  const end = lowestIdOf(submittedBeforeMs + SKEW_MS);
  const below = cursor !== undefined && cursor < end ? cursor : end;
  return { from: lowestIdOf(submittedAfterMs - SKEW_MS), below };
}

/** Not above any UUIDv7 that was made at this time. */
function lowestIdOf(ms: number): string {
  const time = Math.min(Math.max(Math.trunc(ms), 0), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}
