import { defineStatement } from '../statement.ts';

/** Who holds idempotency keys. Locks: none. Index: idempotency_keys_pkey. */
export const readKeys = defineStatement<
  { readonly tenantId: number; readonly keys: readonly string[] },
  { key: string; fingerprint: string; job_ids: string[] }
>({
  name: 'read-keys',
  sql: (schema) => `
    select key, encode(fingerprint, 'hex') as fingerprint, job_ids
    from ${schema}.idempotency_keys
    where tenant_id = $1 and key = any ($2::text[]) and expires_at >= statement_timestamp()`,
  values: ({ tenantId, keys }) => [tenantId, keys],
});
