import { defineStatement } from '../statement.ts';

/**
 * For each queue, since when its oldest due job waits; null where none is due. One index probe per
 * queue and priority, no row is counted. Locks: none. Index: job_claims_waiting.
 */
export const readOldestDue = defineStatement<
  { readonly tenantId: number; readonly queueIds: readonly number[] },
  { queue_id: number; oldest_due_at: number | null }
>({
  name: 'read-oldest-due',
  sql: (schema) => `
    select q.id as queue_id, min(job.run_at) as oldest_due_at
    from ${schema}.queues q
    left join lateral (
      select first.run_at from generate_series(0, 9) as p (priority)
      cross join unnest(array[false, true]) as s (suspect)
      cross join lateral (
        select c.run_at from ${schema}.job_claims c
        where c.queue_id = q.id and c.suspect = s.suspect and c.priority = p.priority
          and c.lease_token is null and c.run_at <= statement_timestamp()
        order by c.run_at limit 1
      ) first
    ) job on true
    where q.tenant_id = $1 and q.id = any ($2::int[])
    group by q.id`,
  values: ({ tenantId, queueIds }) => [tenantId, queueIds],
});
