import { defineStatement, now } from '../statement.ts';

export interface JobNote {
  readonly jobId: string;
  /** Progress as JSON text, or null. */
  readonly progress: string | null;
  /** New log lines, the first of them line number `firstLine` (from 0). */
  readonly firstLine: number;
  readonly lines: readonly string[];
}

/** Writes what handlers said: progress overwrites, log lines are added. Outside the event log. */
export const writeNotes = defineStatement<
  { readonly notes: readonly JobNote[] },
  { job_id: string }
>({
  name: 'write-notes',
  sql: (schema) => `
    with note as materialized (
      select * from jsonb_to_recordset($1::jsonb)
        as n ("jobId" uuid, progress text, "firstLine" int, lines jsonb)
      order by "jobId"
    ),
    lined as (
      insert into ${schema}.job_logs (job_id, line, logged_at, message)
      select n."jobId", n."firstLine" + l.place - 1, ${now}, l.message
      from note n cross join lateral jsonb_array_elements_text(n.lines)
        with ordinality as l (message, place)
      on conflict (job_id, line) do nothing
    )
    insert into ${schema}.job_progress as p (job_id, updated_at, progress)
    select "jobId", ${now}, progress::jsonb from note where progress is not null
    on conflict (job_id) do update
      set progress = excluded.progress, updated_at = excluded.updated_at
    returning job_id`,
  values: ({ notes }) => [JSON.stringify(notes)],
});
