import { defineStatement } from '../statement.ts';

/** Live jobs that hold unique keys. Locks: none. Index: job_claims_unique_key. */
export const readUniqueHolders = defineStatement<
  { readonly tenantId: number; readonly keys: readonly string[] },
  { unique_key: string; id: string }
>({
  name: 'read-unique-holders',
  sql: (schema) => `
    select holder.* from unnest($2::text[]) as w (key)
    cross join lateral (
      select c.unique_key, c.id from ${schema}.job_claims c
      where c.tenant_id = $1 and c.unique_key = w.key
      limit 1
    ) holder`,
  values: ({ tenantId, keys }) => [tenantId, keys],
});
