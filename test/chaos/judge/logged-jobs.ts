import type { RecordedJobEvent } from '../../../src/domain/job/events.ts';
import { evolveJob } from '../../../src/domain/job/evolve.ts';
import { hasEnded, type JobState } from '../../../src/domain/job/state.ts';
import { decodeEvent } from '../../../src/store/event-codec.ts';
import type { Executor } from '../../../src/store/statement.ts';
import { readLog } from '../../../src/store/statements/read-log.ts';

/** A job as the log tells it. */
export interface LoggedJob {
  readonly state: JobState;
  readonly correlation: string | null;
  /** The version of its last JobClaimed; 0 if it was never claimed. */
  readonly lastClaim: number;
  /** Events that say that a handler came to an end. */
  readonly outcomes: number;
}

export interface LoggedJobs {
  readonly jobs: ReadonlyMap<string, LoggedJob>;
  readonly events: bigint;
  readonly ended: number;
  /** What cannot be: a hole in the order, or a stream that cannot be folded. */
  readonly wrong: readonly string[];
}

const outcomes = new Set(['JobCompleted', 'JobFailed', 'JobSnoozed']);

/** Folds the whole log, position by position. */
export async function readLoggedJobs(database: Executor): Promise<LoggedJobs> {
  const jobs = new Map<string, LoggedJob>();
  const wrong: string[] = [];
  let position = 0n;
  for (;;) {
    const rows = await database.run(readLog, { afterPosition: position, limit: 5_000 });
    if (rows.length === 0) break;
    for (const row of rows) {
      if (row.position !== position + 1n) wrong.push(`${row.position} follows ${position}`);
      position = row.position ?? position;
      const event = decodeEvent(row);
      if (event === undefined || event.type.startsWith('Queue')) continue;
      const before = jobs.get(row.stream_id);
      try {
        jobs.set(row.stream_id, next(before, event as RecordedJobEvent));
      } catch (error) {
        wrong.push(`${row.stream_id} at ${position}: ${String(error)}`);
      }
    }
  }
  const ended = [...jobs.values()].filter(({ state }) => hasEnded(state)).length;
  return { jobs, events: position, ended, wrong };
}

function next(before: LoggedJob | undefined, event: RecordedJobEvent): LoggedJob {
  return {
    state: evolveJob(before?.state ?? null, event),
    correlation: before?.correlation ?? event.correlation,
    lastClaim: event.type === 'JobClaimed' ? event.version : (before?.lastClaim ?? 0),
    outcomes: (before?.outcomes ?? 0) + (outcomes.has(event.type) ? 1 : 0),
  };
}
