import { type GaugesRow, readGauges } from '../../store/statements/read-gauges.ts';
import { readOldestDue } from '../../store/statements/read-oldest-due.ts';
import { type JobLogRow, readJobLogs } from '../../store/statements/read-job-logs.ts';
import type { WriteContext } from '../write-context.ts';

/** The state of the log as a whole, without counting rows; null before the log was made. */
export async function readLogGauges({ database }: WriteContext): Promise<GaugesRow | null> {
  return (await database.run(readGauges, {}))[0] ?? null;
}

/** Since when the oldest due job of each queue waits, in ms since the epoch; null where none is due. */
export async function readOldestDueJobs(
  { database, tenantId }: WriteContext,
  queueIds: readonly number[],
): Promise<ReadonlyMap<number, number | null>> {
  const rows = await database.run(readOldestDue, { tenantId, queueIds });
  return new Map(rows.map((row) => [row.queue_id, row.oldest_due_at]));
}

/** Up to `limit` lines that a job's handler logged, after line number `after` (-1 for the first). */
export function readLogLines(
  { database, tenantId }: WriteContext,
  jobId: string,
  after: number,
  limit: number,
): Promise<JobLogRow[]> {
  return database.run(readJobLogs, { tenantId, jobId, after, limit });
}
