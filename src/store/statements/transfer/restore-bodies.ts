import { jsonColumn, plainColumn, sparseColumn } from '../../parameters/columns.ts';
import { defineStatement } from '../../statement.ts';

/** The bodies of a job that is born, as they were when the log ended. */
export interface RestoredBodyRow {
  readonly id: string;
  readonly createdAt: string;
  readonly hash: string;
  /** JSON text; null where it is gone. */
  readonly payload: string | null;
  readonly result: string | null;
}

const flags = (texts: readonly (string | null)[]) =>
  plainColumn(texts.map((text) => String(text !== null)));
const bodies = (texts: readonly (string | null)[]) => jsonColumn(texts.map((text) => text ?? '0'));

/** Puts the bodies of jobs back. A job that has some already is an error. Locks: the rows it inserts. */
export const restoreBodies = defineStatement<
  { readonly tenantId: number; readonly rows: readonly RestoredBodyRow[] },
  never
>({
  name: 'restore-bodies',
  sql: (schema) => `
    insert into ${schema}.job_payloads (job_id, created_at, tenant_id, payload_hash, payload, result)
    select i.id, i.created_at, $1, decode(i.hash, 'hex'),
      case when i.has_payload then i.payload end, case when i.has_result then i.result end
    from rows from (
      unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::boolean[], $6::boolean[]),
      json_array_elements($7::json), json_array_elements($8::json)
    ) as i (id, created_at, hash, has_payload, has_result, payload, result)`,
  values: ({ tenantId, rows }) => [
    tenantId,
    plainColumn(rows.map(({ id }) => id)),
    sparseColumn(rows.map(({ createdAt }) => createdAt)),
    plainColumn(rows.map(({ hash }) => hash)),
    flags(rows.map(({ payload }) => payload)),
    flags(rows.map(({ result }) => result)),
    bodies(rows.map(({ payload }) => payload)),
    bodies(rows.map(({ result }) => result)),
  ],
});

/** What became of the bodies of a job later. */
export interface ChangedBodyRow {
  readonly id: string;
  /** Of another payload that took the place of the first one; null for none. */
  readonly hash: string | null;
  readonly payload: string | null;
  readonly result: string | null;
  /** What was there before is gone. */
  readonly erased: boolean;
}

/**
 * Changes bodies that were put back before: a payload only together with its hash, a result only where
 * there is one. Locks: the rows. Index: job_payloads_pkey.
 */
export const changeBodies = defineStatement<{ readonly rows: readonly ChangedBodyRow[] }, never>({
  name: 'change-bodies',
  sql: (schema) => `
    update ${schema}.job_payloads p
    set payload_hash = coalesce(decode(i.hash, 'hex'), p.payload_hash),
      payload = case when i.has_payload then i.payload
        when i.hash is null and not i.erased then p.payload end,
      result = case when i.has_result then i.result when not i.erased then p.result end
    from rows from (
      unnest($1::uuid[], $2::text[], $3::boolean[], $4::boolean[], $5::boolean[]),
      json_array_elements($6::json), json_array_elements($7::json)
    ) as i (id, hash, erased, has_payload, has_result, payload, result)
    where p.job_id = i.id`,
  values: ({ rows }) => [
    plainColumn(rows.map(({ id }) => id)),
    sparseColumn(rows.map(({ hash }) => hash)),
    plainColumn(rows.map(({ erased }) => String(erased))),
    flags(rows.map(({ payload }) => payload)),
    flags(rows.map(({ result }) => result)),
    bodies(rows.map(({ payload }) => payload)),
    bodies(rows.map(({ result }) => result)),
  ],
});
