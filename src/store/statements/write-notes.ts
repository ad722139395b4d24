import { defineStatement, now } from '../statement.ts';

export interface JobNote {
  readonly jobId: string;
  /** Progress as JSON text, or null. */
  readonly progress: string | null;
  /** New log lines; they are numbered on from the last one of the job, whichever run wrote it. */
  readonly lines: readonly string[];
}

/** Lines kept of one job, whatever the number of its runs. */
const MAX_LINES = 100_000;

/**
 * Writes what handlers said: progress overwrites, log lines are added. Outside the event log.
 * Locks: the rows it writes. Index: job_logs_pkey, also for the last line of each job.
 */
export const writeNotes = defineStatement<
  { readonly notes: readonly JobNote[] },
  { job_id: string }
>({
  name: 'write-notes',
  sql: (schema) => `
    with note as materialized (
      select * from jsonb_to_recordset($1::jsonb)
        as n ("jobId" uuid, progress text, lines jsonb)
      order by "jobId"
    ),
    lined as (
      insert into ${schema}.job_logs (job_id, line, logged_at, message)
      select n."jobId", coalesce(last.line, -1) + l.place, ${now}, l.message
      from note n
      left join lateral (
        select j.line from ${schema}.job_logs j where j.job_id = n."jobId"
        order by j.line desc limit 1
      ) last on true
      cross join lateral jsonb_array_elements_text(n.lines) with ordinality as l (message, place)
      where coalesce(last.line, -1) + l.place < ${MAX_LINES}
      on conflict (job_id, line) do nothing
    )
    insert into ${schema}.job_progress as p (job_id, updated_at, progress)
    select "jobId", ${now}, progress::jsonb from note where progress is not null
    on conflict (job_id) do update
      set progress = excluded.progress, updated_at = excluded.updated_at
    returning job_id`,
  values: ({ notes }) => [JSON.stringify(notes)],
});
