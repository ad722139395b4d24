import { defineStatement } from '../statement.ts';

/**
 * Notes on a suspect's claim row that its handler starts now. Only such a start counts against it
 * when the lease lapses. Locks: the claim row. Index: job_claims_pkey.
 */
export const markStart = defineStatement<
  { readonly tenantId: number; readonly jobId: string; readonly leaseToken: string },
  { id: string }
>({
  name: 'mark-start',
  prepared: true,
  sql: (schema) => `
    update ${schema}.job_claims set start_marked = true
    where id = $2 and tenant_id = $1 and lease_token = $3
    returning id`,
  values: ({ tenantId, jobId, leaseToken }) => [tenantId, jobId, leaseToken],
});
