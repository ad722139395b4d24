import { foldJob } from '../../domain/job/evolve.ts';
import type { RecordedJobEvent } from '../../domain/job/events.ts';
import type { JobState } from '../../domain/job/state.ts';
import { isUuid } from '../../kernel/uuid.ts';
import { decodeEvent } from '../../store/event-codec.ts';
import type { Executor } from '../../store/statement.ts';
import type { BodyRow } from '../../store/statements/read-bodies.ts';
import { readJob } from '../../store/statements/read-job.ts';
import { type EventRow, readStreams } from '../../store/statements/read-streams.ts';
import { readStreamsAt } from '../../store/statements/read-streams-at.ts';

/** A job as its stream tells it, log and inbox together: always up to date. */
export interface LoadedJob {
  readonly state: JobState;
  readonly events: readonly RecordedJobEvent[];
  /** The database's time of the reading, in ms since the epoch. */
  readonly readAtMs: number;
  readonly epoch: number;
}

/** Loads and folds jobs by id; ids that are unknown, or no UUIDs, are absent from the answer. */
export async function loadJobs(
  executor: Executor,
  tenantId: number,
  ids: readonly string[],
): Promise<Map<string, LoadedJob>> {
  const jobIds = soundIds(ids);
  if (jobIds.length === 0) return new Map();
  return folded(await executor.run(readStreams, { tenantId, jobIds }));
}

/** What is kept of a job beside its events. */
export type Bodies = Pick<BodyRow, 'payload' | 'result' | 'progress'>;

/** One job with its bodies, all of one moment; undefined for an id that is unknown, or no UUID. */
export async function loadWholeJob(
  executor: Executor,
  tenantId: number,
  id: string,
): Promise<{ readonly job: LoadedJob; readonly bodies: Bodies } | undefined> {
  const [jobId] = soundIds([id]);
  if (jobId === undefined) return undefined;
  const rows = await executor.run(readJob, { tenantId, jobId });
  const job = folded(rows).get(jobId);
  const [first] = rows;
  return job === undefined || first === undefined ? undefined : { job, bodies: first };
}

/** Jobs by id as of a position of the log; those that were not born then are absent. */
export async function loadJobsAt(
  executor: Executor,
  tenantId: number,
  ids: readonly string[],
  position: bigint,
): Promise<Map<string, LoadedJob>> {
  const jobIds = soundIds(ids);
  if (jobIds.length === 0) return new Map();
  return folded(await executor.run(readStreamsAt, { tenantId, jobIds, position }));
}

function soundIds(ids: readonly string[]): string[] {
  return [...new Set(ids.map((id) => id.toLowerCase()))].filter((id) => isUuid(id));
}

function folded(rows: readonly EventRow[]): Map<string, LoadedJob> {
  const streams = new Map<string, { events: RecordedJobEvent[]; readAtMs: number }>();
  for (const row of rows) {
    const event = decodeEvent(row);
    if (event === undefined) continue;
    const stream = streams.get(row.stream_id) ?? { events: [], readAtMs: row.read_at };
    stream.events.push(event as RecordedJobEvent);
    streams.set(row.stream_id, stream);
  }
  const loaded = new Map<string, LoadedJob>();
  for (const [id, { events, readAtMs }] of streams) {
    const state = foldJob(events);
    const epoch = events.at(-1)?.epoch ?? 1;
    if (state !== null) loaded.set(id, { state, events, readAtMs, epoch });
  }
  return loaded;
}
