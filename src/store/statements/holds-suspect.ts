import { defineStatement } from '../statement.ts';

/**
 * A suspect that a session holds, if any: no second one may run beside it in the same process.
 * Locks: none. Index: job_claims_held.
 */
export const holdsSuspect = defineStatement<
  { readonly tenantId: number; readonly session: string },
  { id: string }
>({
  name: 'holds-suspect',
  sql: (schema) => `
    select c.id from ${schema}.job_claims c
    where c.session_id = $2 and c.tenant_id = $1 and c.lease_token is not null and c.suspect
    limit 1`,
  values: ({ tenantId, session }) => [tenantId, session],
});
