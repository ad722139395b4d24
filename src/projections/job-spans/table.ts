import type { ReadModelTable } from '../../consumers/consumer.ts';
import { eventTypeCodes as types } from '../../domain/event-types.ts';
import { statusCodes } from '../job-status/status-codes.ts';
import { landmarksBelow } from '../landmarks.ts';

/** Under this name readers find the table of the live build. */
export const jobSpansName = 'job_spans';

/**
 * For each time that a job stood in one status of one queue while the log passed a landmark: from
 * which position, and to which one (where it stood elsewhere). The present one of each job is in
 * job_status instead. Rows are only added.
 *
 * `size_class` is floor(log2(landmarks passed)): spans of a class that hold a given landmark begin
 * within a known distance before it, and at least half of those that begin there hold it. So they are
 * found by one short range per class of a plain index.
 */
export const jobSpansTable: ReadModelTable = {
  name: jobSpansName,
  create: (table, prefix) => [
    `create table ${table} (
      job_id uuid not null,
      from_position bigint not null,
      to_position bigint not null,
      queue_id integer not null,
      status smallint not null,
      size_class smallint not null
    )`,
    `create index ${prefix}_stabbed on ${table} (queue_id, status, size_class, from_position)`,
  ],
};

const { waiting, running, completed, dead, cancelled } = statusCodes;

/** SQL: the status that event `e` leads to; null for one that changes neither status nor queue. */
export const statusAfter = `
  case e.type
    when ${types.JobSubmitted} then ${waiting}
    when ${types.JobClaimed} then ${running}
    when ${types.JobCompleted} then ${completed}
    when ${types.JobFailed} then ${waiting}
    when ${types.JobRetried} then case when e.data ? 'revived' then ${waiting} end
    when ${types.JobDead} then ${dead}
    when ${types.JobCancelled} then ${cancelled}
    when ${types.JobInterrupted} then ${waiting}
    when ${types.JobSnoozed} then ${waiting}
    -- Only waiting jobs are moved.
    when ${types.JobMoved} then ${waiting}
  end`;

/** SQL: floor(log2(n)) for 1 <= n, and 0 for 0; exact where logarithms of doubles are not. */
export const sizeClass = (n: string) =>
  `width_bucket(${n}, array[${Array.from({ length: 49 }, (_, k) => 2n ** BigInt(k + 1)).join(', ')}]::bigint[])`;

/**
 * SQL: keeps the spans that passed a landmark.
 * @param ended a query of spans that have ended: (job_id, from_position, to_position, queue_id, status)
 */
export const keepSpans = (table: string, ended: string): string => `
      insert into ${table} (job_id, from_position, to_position, queue_id, status, size_class)
      select job_id, from_position, to_position, queue_id, status,
        ${sizeClass(`${landmarksBelow('to_position')} - ${landmarksBelow('from_position')}`)}
      from (${ended}
      ) ended
      where ${landmarksBelow('to_position')} > ${landmarksBelow('from_position')}`;
