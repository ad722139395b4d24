import { defineStatement } from '../statement.ts';
import type { BodyRow } from './read-bodies.ts';
import { type EventRow, streamsOf } from './read-streams.ts';

/** An event of the job; its bodies stand beside the first one. */
export type JobEventRow = EventRow & Omit<BodyRow, 'job_id'>;

/**
 * One job with everything there is of it, in one round trip: its stream as read-streams.ts reads it,
 * and its payload, result and progress, of the same moment.
 * Locks: none. Indexes: as read-streams.ts, and job_progress.
 */
export const readJob = defineStatement<
  { readonly tenantId: number; readonly jobId: string },
  JobEventRow
>({
  name: 'read-job',
  prepared: true,
  sql: (schema) =>
    streamsOf(schema, {
      ofJob: `p.payload, p.result,
        (select g.progress from ${schema}.job_progress g where g.job_id = p.job_id) as progress`,
      columns: ['payload', 'result', 'progress']
        .map((body) => `case when found.version = 1 then w.${body} end as ${body}`)
        .join(', '),
    }),
  values: ({ tenantId, jobId }) => [tenantId, [jobId]],
});
