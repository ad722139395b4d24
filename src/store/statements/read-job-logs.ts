import { defineStatement } from '../statement.ts';

export interface JobLogRow {
  readonly line: number;
  readonly logged_at: number;
  readonly message: string;
}

/** The log lines of one job after line `after`. Locks: none. Index: job_logs_pkey. */
export const readJobLogs = defineStatement<
  {
    readonly tenantId: number;
    readonly jobId: string;
    readonly after: number;
    readonly limit: number;
  },
  JobLogRow
>({
  name: 'read-job-logs',
  sql: (schema) => `
    select l.line, l.logged_at, l.message
    from ${schema}.job_payloads p join ${schema}.job_logs l on l.job_id = p.job_id
    where p.job_id = $2 and p.tenant_id = $1 and l.line > $3
    order by l.line limit $4`,
  values: ({ tenantId, jobId, after, limit }) => [tenantId, jobId, after, limit],
});
