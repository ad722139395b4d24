import { defineStatement, ofAnyLength } from '../statement.ts';

export interface ToldBodyRow {
  readonly job_id: string;
  /** In hex. */
  readonly payload_hash: string;
  /** As JSON text; null once it was erased. */
  readonly payload: string | null;
  readonly result: string | null;
}

/**
 * Payloads and results of jobs as texts, to be told beside their events. Locks: none.
 * Index: job_payloads_pkey, one probe for each.
 */
export const readToldBodies = defineStatement<{ readonly jobIds: readonly string[] }, ToldBodyRow>({
  name: 'read-told-bodies',
  prepared: true,
  sql: (schema) => `
    select body.* from unnest(${ofAnyLength('$1::uuid[]')}) as w (id)
    cross join lateral (
      select p.job_id, encode(p.payload_hash, 'hex') as payload_hash, p.payload::text as payload,
        p.result::text as result
      from ${schema}.job_payloads p where p.job_id = w.id
      limit 1
    ) body`,
  values: ({ jobIds }) => [jobIds],
});
