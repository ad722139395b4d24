import type { ReadModelTable } from '../../consumers/consumer.ts';
import { statusCodes } from './status-codes.ts';

/** Characters kept of an error's message; the log has all of it. */
export const errorMessageLength = 200;

/** Under this name readers find the table of the live build. */
export const jobStatusName = 'job_status';

/**
 * One row per job, ended ones too. `since_position` is where its present status and queue began: with
 * job_spans it tells how things stood in the past. `run_at` is kept to the ms, which float arithmetic misses by some
 * µs for times after 2106.
 * No update is HOT, because the status is indexed: lists need that, and it costs a quarter of the
 * speed (173,000 events/s by CPU time, 219,000 without that index). Pages are filled, as room in
 * them then gains nothing (50 to 100 %: 173,000 to 190,000, within the noise).
 * Vacuum comes when 2 % of the rows have died: until then a list of running jobs steps over the
 * index entries of those that have ended.
 */
export const jobStatusTable: ReadModelTable = {
  name: jobStatusName,
  create: (table, prefix) => [
    `create table ${table} (
      job_id uuid not null,
      run_at timestamptz(3) not null,
      submitted_at timestamptz not null,
      started_at timestamptz,
      ended_at timestamptz,
      position bigint not null,
      since_position bigint not null,
      version integer not null,
      tenant_id integer not null,
      queue_id integer not null,
      type_id integer not null,
      status smallint not null,
      priority smallint not null,
      failures smallint not null,
      max_attempts smallint not null,
      retrying boolean not null,
      -- Of the newest failure: the group that failure-groups counts it in.
      error_fingerprint uuid,
      error_name text,
      error_message text,
      unique_key text,
      correlation text,
      tags text[],
      constraint ${prefix}_pkey primary key (job_id)
    ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000)`,
    // For lists of one queue and status, newest first.
    `create index ${prefix}_listed on ${table} (queue_id, status, job_id)`,
    // For the job that has waited longest.
    `create index ${prefix}_waiting on ${table} (queue_id, since_position)
      where status = ${statusCodes.waiting}`,
    // For the jobs behind a group of failures. Only jobs that have failed are in it: without failures it
    // costs nothing, and 7 % of this read model's time where every fifth job fails.
    `create index ${prefix}_failed on ${table} (error_fingerprint, job_id)
      where error_fingerprint is not null`,
  ],
};
