import { defineStatement } from '../statement.ts';

/** Who holds idempotency keys. Locks: none. Index: idempotency_keys_pkey. */
export const readKeys = defineStatement<
  { readonly tenantId: number; readonly keys: readonly string[] },
  { key: string; fingerprint: string; job_ids: string[] }
>({
  name: 'read-keys',
  sql: (schema) => `
    select held.* from unnest($2::text[]) as w (key)
    cross join lateral (
      select k.key, encode(k.fingerprint, 'hex') as fingerprint, k.job_ids
      from ${schema}.idempotency_keys k
      where k.tenant_id = $1 and k.key = w.key and k.expires_at >= statement_timestamp()
      limit 1
    ) held`,
  values: ({ tenantId, keys }) => [tenantId, keys],
});
