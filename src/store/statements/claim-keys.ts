import { defineStatement } from '../statement.ts';

export interface IdempotencyKeyRow {
  readonly key: string;
  /** SHA-256 of the request, in hex. */
  readonly fingerprint: string;
  readonly jobIds: readonly string[];
}

/**
 * Takes idempotency keys for new jobs; a key that has expired is taken anew. Answers the keys taken:
 * any other is held, and its holder must be read in a second statement, because the loser of
 * ON CONFLICT cannot see the winner in its own.
 * Locks: the rows, in key order; waits for a transaction that holds one, up to lock_timeout.
 * Index: idempotency_keys_pkey.
 */
export const claimKeys = defineStatement<
  {
    readonly tenantId: number;
    readonly keys: readonly IdempotencyKeyRow[];
    readonly ttlMs: number;
  },
  { key: string }
>({
  name: 'claim-keys',
  sql: (schema) => `
    insert into ${schema}.idempotency_keys as k (tenant_id, key, fingerprint, job_ids, expires_at)
    select $1, n.key, decode(n.fingerprint, 'hex'),
      array(select value::uuid from jsonb_array_elements_text(n.job_ids) as j (value)),
      statement_timestamp() + $3 * interval '1 ms'
    from jsonb_to_recordset($2::jsonb) as n (key text, fingerprint text, job_ids jsonb)
    order by n.key
    on conflict (tenant_id, key) do update
      set fingerprint = excluded.fingerprint, job_ids = excluded.job_ids,
          expires_at = excluded.expires_at
      where k.expires_at < statement_timestamp()
    returning key`,
  values: ({ tenantId, keys, ttlMs }) => [
    tenantId,
    JSON.stringify(
      keys.map(({ key, fingerprint, jobIds }) => ({ key, fingerprint, job_ids: jobIds })),
    ),
    ttlMs,
  ],
});
