import { defineStatement } from '../statement.ts';

/** Live jobs that hold unique keys. Locks: none. Index: job_claims_unique_key. */
export const readUniqueHolders = defineStatement<
  { readonly tenantId: number; readonly keys: readonly string[] },
  { unique_key: string; id: string }
>({
  name: 'read-unique-holders',
  sql: (schema) => `
    select unique_key, id from ${schema}.job_claims
    where tenant_id = $1 and unique_key = any ($2::text[])`,
  values: ({ tenantId, keys }) => [tenantId, keys],
});
