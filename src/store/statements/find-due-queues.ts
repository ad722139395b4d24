import { defineStatement } from '../statement.ts';

export interface DueQueueRow {
  readonly queue_id: number;
  /** Whether it is a suspect that is due, or another job; a queue may stand here for both. */
  readonly suspect: boolean;
}

/**
 * Those of some queues in which jobs are due, unless they are paused. One index probe for a queue in
 * which nothing waits, and then one per priority. Locks: none. Index: job_claims_waiting.
 */
export const findDueQueues = defineStatement<
  { readonly tenantId: number; readonly queueIds: readonly number[] },
  DueQueueRow
>({
  name: 'find-due-queues',
  prepared: true,
  sql: (schema) => `
    select q.id as queue_id, kind.suspect
    from ${schema}.queues q
    cross join (values (false), (true)) as kind (suspect)
    cross join lateral (
      select from ${schema}.job_claims c
      where c.queue_id = q.id and c.suspect = kind.suspect and c.lease_token is null
      order by c.priority, c.run_at, c.id limit 1
    ) waiting
    cross join lateral (
      select from generate_series(0, 9) as probe (priority)
      cross join lateral (
        select from ${schema}.job_claims c
        where c.queue_id = q.id and c.suspect = kind.suspect and c.priority = probe.priority
          and c.lease_token is null and c.run_at <= statement_timestamp()
        order by c.run_at, c.id limit 1
      ) first
      limit 1
    ) due
    where q.tenant_id = $1 and q.id = any ($2::int[]) and not q.paused`,
  values: ({ tenantId, queueIds }) => [tenantId, queueIds],
});
