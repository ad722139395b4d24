import { defineStatement, ms, now } from '../statement.ts';
import type { QueueRow } from './find-queues.ts';

/**
 * Creates queues that do not exist, with QueueCreated. Runs on the pool in a transaction of its own:
 * in a user's transaction it would hold the name until they commit. Called only after a SELECT found
 * a name missing, so that conflicts burn no identities.
 * Run after `lockTenant` in the same transaction, which makes the limit exact.
 * Locks: the rows it inserts.
 */
export const createQueues = defineStatement<
  {
    readonly tenantId: number;
    readonly names: readonly string[];
    readonly streamIds: readonly string[];
    readonly maxQueues: number;
  },
  QueueRow
>({
  name: 'create-queues',
  sql: (schema) => `
    with room as (
      select $4 - count(*) as left from ${schema}.queues where tenant_id = $1
    ),
    created as (
      insert into ${schema}.queues (tenant_id, name, stream_id, version, created_at)
      select $1, n.name, n.stream_id, 1, ${now}
      from unnest($2::text[], $3::uuid[]) as n (name, stream_id), room
      where cardinality($2) <= room.left
      order by n.name
      on conflict (tenant_id, name) do nothing
      returning *
    ),
    logged as (
      insert into ${schema}.event_inbox (occurred_at, stream_id, version, queue_id, type, data)
      select created_at, stream_id, 1, id, 32, jsonb_build_object('name', name)
      from created order by stream_id
    )
    select id, name, stream_id, version, paused, settings, ${ms('created_at')} as created_at
    from created`,
  values: ({ tenantId, names, streamIds, maxQueues }) => [tenantId, names, streamIds, maxQueues],
});
