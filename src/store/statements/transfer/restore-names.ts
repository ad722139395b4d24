import { plainColumn } from '../../parameters/columns.ts';
import { defineStatement } from '../../statement.ts';

/**
 * Queues of a log that is put back, before their own events were read: what these say is set at the
 * end. Locks: the rows it inserts.
 */
export const restoreQueues = defineStatement<
  {
    readonly tenantId: number;
    readonly names: readonly string[];
    readonly streamIds: readonly string[];
  },
  { id: number; name: string }
>({
  name: 'restore-queues',
  sql: (schema) => `
    insert into ${schema}.queues (tenant_id, name, stream_id, version, created_at)
    select $1, n.name, n.stream_id, 0, 'epoch'
    from unnest($2::text[], $3::uuid[]) with ordinality as n (name, stream_id, place) order by place
    returning id, name`,
  values: ({ tenantId, names, streamIds }) => [tenantId, names, plainColumn(streamIds)],
});

/** The same for types of jobs. */
export const restoreTypes = defineStatement<
  { readonly tenantId: number; readonly names: readonly string[] },
  { id: number; name: string }
>({
  name: 'restore-types',
  sql: (schema) => `
    insert into ${schema}.job_types (tenant_id, name)
    select $1, n.name from unnest($2::text[]) with ordinality as n (name, place) order by place
    returning id, name`,
  values: ({ tenantId, names }) => [tenantId, names],
});

export interface RestoredQueueRow {
  readonly id: number;
  readonly version: number;
  readonly paused: boolean;
  readonly settings: unknown;
  readonly created_at: string;
}

/** Sets queues to what their events say. Locks: their rows. Index: queues_pkey. */
export const settleQueues = defineStatement<
  { readonly queues: readonly RestoredQueueRow[] },
  never
>({
  name: 'settle-queues',
  sql: (schema) => `
    update ${schema}.queues q
    set version = r.version, paused = r.paused, settings = r.settings, created_at = r.created_at
    from jsonb_to_recordset($1::jsonb) as r (id int, version int, paused boolean, settings jsonb,
      created_at timestamptz)
    where q.id = r.id`,
  values: ({ queues }) => [JSON.stringify(queues)],
});
