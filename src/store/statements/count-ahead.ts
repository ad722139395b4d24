import { defineStatement } from '../statement.ts';

export interface CountAheadParams {
  readonly tenantId: number;
  readonly jobId: string;
  /** Where counting stops. */
  readonly limit: number;
}

/**
 * How many due jobs of its queue are claimed before a waiting job, counted up to a limit per priority.
 * No row: the job does not wait. One probe per priority. Locks: none. Index: job_claims_waiting.
 */
export const countAhead = defineStatement<CountAheadParams, { ahead: number }>({
  name: 'count-ahead',
  sql: (schema) => `
    select least(coalesce(sum(found.n), 0), $3)::int as ahead
    from (
      select c.* from ${schema}.job_claims c
      where c.id = $2 and c.tenant_id = $1 and c.lease_token is null
    ) job
    left join lateral (
      select (
        select count(*) from (
          select from ${schema}.job_claims c
          where c.queue_id = job.queue_id and c.suspect = job.suspect and c.priority = p.priority
            and c.lease_token is null and c.run_at <= statement_timestamp()
            and (p.priority < job.priority or (c.run_at, c.id) < (job.run_at, job.id))
          order by c.run_at, c.id limit $3
        ) before
      ) as n
      from generate_series(0, 9) as p (priority)
      where p.priority <= job.priority
    ) found on true
    group by job.id`,
  values: ({ tenantId, jobId, limit }) => [tenantId, jobId, limit],
});
