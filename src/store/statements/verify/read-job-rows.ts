import { defineStatement, exactMs } from '../../statement.ts';

/** Ids above one and up to another. */
export interface IdRange {
  readonly after: string;
  readonly upTo: string;
}

/** A row by its id; every other column by its name, times in ms. */
export type StoredRow = Readonly<Record<string, unknown>> & { readonly id: string };

/** The claim rows of a range. Locks: none. Index: job_claims_pkey. */
export const readClaimRows = defineStatement<IdRange, StoredRow>({
  name: 'read-claim-rows',
  sql: (schema) => `
    select id, ${exactMs('run_at')} as run_at, ${exactMs('submitted_at')} as submitted_at,
      session_id, lease_token, ${exactMs('claimed_at')} as claimed_at, queue_id, type_id, tenant_id,
      version, timeout_ms, payload_bytes, failures, max_attempts, crashes, priority, suspect,
      cancel_requested, unique_key, cancel_reason, correlation, retry_policy, tags
    from ${schema}.job_claims where id > $1 and id <= $2`,
  values: ({ after, upTo }) => [after, upTo],
});

/** The rows of dead jobs in a range. Locks: none. Index: dead_jobs_pkey. */
export const readDeadRows = defineStatement<IdRange, StoredRow>({
  name: 'read-dead-rows',
  sql: (schema) => `
    select job_id as id, ${exactMs('died_at')} as died_at,
      ${exactMs('submitted_at')} as submitted_at, queue_id, type_id, tenant_id, version, timeout_ms,
      payload_bytes, failures, max_attempts, priority, unique_key, correlation, retry_policy, tags
    from ${schema}.dead_jobs where job_id > $1 and job_id <= $2`,
  values: ({ after, upTo }) => [after, upTo],
});

/** What is stored of a job's bodies; the hashes are those of the bodies themselves. */
export interface PayloadRow {
  readonly id: string;
  readonly tenant_id: number;
  readonly created_at: number;
  /** As stored. */
  readonly payload_hash: string;
  /** Null where there is no payload (any more), or where bodies are not read. */
  readonly hash_of_payload: string | null;
  readonly hash_of_result: string | null;
  readonly has_payload: boolean;
  readonly has_result: boolean;
}

const hashOf = (column: string) => `
      case when $3 then encode(sha256(convert_to(${column}::text, 'UTF8')), 'hex') end`;

/** The rows of bodies in a range. Locks: none. Index: job_payloads_pkey. */
export const readPayloadRows = defineStatement<IdRange & { readonly bodies: boolean }, PayloadRow>({
  name: 'read-payload-rows',
  sql: (schema) => `
    select job_id as id, tenant_id, ${exactMs('created_at')} as created_at,
      encode(payload_hash, 'hex') as payload_hash,
      payload is not null as has_payload, result is not null as has_result,
      ${hashOf('payload')} as hash_of_payload, ${hashOf('result')} as hash_of_result
    from ${schema}.job_payloads where job_id > $1 and job_id <= $2`,
  values: ({ after, upTo, bodies }) => [after, upTo, bodies],
});

/** The rows of queues whose streams are in a range. Locks: none. Index: queues_stream_id_key. */
export const readQueueRows = defineStatement<IdRange, StoredRow>({
  name: 'read-queue-rows',
  sql: (schema) => `
    select stream_id as id, tenant_id, name, version, paused, settings,
      ${exactMs('created_at')} as created_at
    from ${schema}.queues where stream_id > $1 and stream_id <= $2`,
  values: ({ after, upTo }) => [after, upTo],
});
