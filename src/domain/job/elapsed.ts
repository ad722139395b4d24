import type { JobEventType } from './events.ts';
import type { JobState } from './state.ts';

/** What a 4-byte integer holds: 24 days and 20 hours. Longer times are kept as this. */
export const maxElapsedMs = 2 ** 31 - 1;

/**
 * What an event says about time beside its own: of a claim, for how many ms the job had been due; of
 * the event that ends a claim, how many ms it lasted; null for every other. It stands beside the
 * event, so that metrics need nothing but the log, and it is what the stream itself gives.
 * @param before the job before the event
 */
export function elapsedMs(
  before: JobState | null,
  type: JobEventType,
  occurredAtMs: number,
): number | null {
  const since = sinceMs(before, type);
  return since === null ? null : Math.min(Math.max(occurredAtMs - since, 0), maxElapsedMs);
}

function sinceMs(before: JobState | null, type: JobEventType): number | null {
  switch (type) {
    case 'JobClaimed':
      return before?.runAtMs ?? null;
    case 'JobCompleted':
    case 'JobFailed':
    case 'JobInterrupted':
    case 'JobSnoozed':
      return before?.lease?.claimedAtMs ?? null;
    default:
      return null;
  }
}
