import { defineStatement, ofAnyLength } from '../statement.ts';

export interface BodyRow {
  readonly job_id: string;
  readonly payload: unknown;
  readonly result: unknown;
  readonly progress: unknown;
}

/** Payload, result and progress of jobs. Locks: none. Indexes: job_payloads_pkey, job_progress. */
export const readBodies = defineStatement<
  { readonly tenantId: number; readonly jobIds: readonly string[] },
  BodyRow
>({
  name: 'read-bodies',
  prepared: true,
  sql: (schema) => `
    select body.* from unnest(${ofAnyLength('$2::uuid[]')}) as w (id)
    cross join lateral (
      select p.job_id, p.payload, p.result,
        (select g.progress from ${schema}.job_progress g where g.job_id = p.job_id) as progress
      from ${schema}.job_payloads p where p.job_id = w.id and p.tenant_id = $1
      limit 1
    ) body`,
  values: ({ tenantId, jobIds }) => [tenantId, jobIds],
});
