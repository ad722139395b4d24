import { defineStatement } from '../../statement.ts';

interface DeleteParams {
  readonly after: string;
  readonly upTo: string;
  /** Jobs whose rows stay as they are. */
  readonly except: readonly string[];
}

/**
 * Takes away the claim rows and dead rows of jobs in a range. The tables are locked (see
 * lock-claim-tables.ts). Indexes: job_claims_pkey, dead_jobs_pkey.
 */
export const deleteJobRows = defineStatement<DeleteParams, never>({
  name: 'delete-job-rows',
  sql: (schema) => `
    with claims as (
      delete from ${schema}.job_claims c where c.id > $1 and c.id <= $2 and c.id <> all ($3::uuid[])
    )
    delete from ${schema}.dead_jobs d
    where d.job_id > $1 and d.job_id <= $2 and d.job_id <> all ($3::uuid[])`,
  values: ({ after, upTo, except }) => [after, upTo, except],
});

type Row = Readonly<Record<string, unknown>>;

/**
 * Inserts claim rows; answers the ids of those it could, which is all but those whose unique key is
 * held by another row. Indexes: job_claims_unique_key.
 */
export const insertClaimRows = defineStatement<{ readonly rows: readonly Row[] }, { id: string }>({
  name: 'insert-claim-rows',
  sql: (schema) => `
    insert into ${schema}.job_claims (id, run_at, submitted_at, session_id, lease_token, claimed_at,
      queue_id, type_id, tenant_id, version, timeout_ms, payload_bytes, failures, max_attempts,
      crashes, priority, suspect, cancel_requested, unique_key, cancel_reason, correlation,
      retry_policy, tags)
    select r.* from jsonb_to_recordset($1::jsonb) as r (
      id uuid, run_at timestamptz, submitted_at timestamptz, session_id uuid, lease_token uuid,
      claimed_at timestamptz, queue_id int, type_id int, tenant_id int, version int, timeout_ms int,
      payload_bytes int, failures smallint, max_attempts smallint, crashes smallint,
      priority smallint, suspect boolean, cancel_requested boolean, unique_key text,
      cancel_reason text, correlation text, retry_policy jsonb, tags text[])
    on conflict (tenant_id, unique_key) where unique_key is not null do nothing
    returning id`,
  values: ({ rows }) => [JSON.stringify(rows)],
});

/** Inserts the rows of dead jobs. Index: dead_jobs_pkey. */
export const insertDeadRows = defineStatement<{ readonly rows: readonly Row[] }, never>({
  name: 'insert-dead-rows',
  sql: (schema) => `
    insert into ${schema}.dead_jobs (job_id, died_at, submitted_at, queue_id, type_id, tenant_id,
      version, timeout_ms, payload_bytes, failures, max_attempts, priority, unique_key, correlation,
      retry_policy, tags)
    select r.* from jsonb_to_recordset($1::jsonb) as r (
      id uuid, died_at timestamptz, submitted_at timestamptz, queue_id int, type_id int,
      tenant_id int, version int, timeout_ms int, payload_bytes int, failures smallint,
      max_attempts smallint, priority smallint, unique_key text, correlation text,
      retry_policy jsonb, tags text[])`,
  values: ({ rows }) => [JSON.stringify(rows)],
});

/**
 * Gives a claim row its unique key, unless another row holds it; answers the row if it could.
 * Indexes: job_claims_pkey, job_claims_unique_key.
 */
export const giveUniqueKey = defineStatement<
  { readonly id: string; readonly key: string },
  { id: string }
>({
  name: 'give-unique-key',
  sql: (schema) => `
    update ${schema}.job_claims c set unique_key = $2
    where c.id = $1 and not exists (
      select from ${schema}.job_claims held
      where held.tenant_id = c.tenant_id and held.unique_key = $2)
    returning c.id`,
  values: ({ id, key }) => [id, key],
});
