import { defineStatement, ms, now } from '../statement.ts';
import type { QueueRow } from './find-queues.ts';

export interface ChangeQueueParams {
  readonly tenantId: number;
  readonly name: string;
  readonly expected: number;
  readonly paused: boolean;
  readonly settings: unknown;
  readonly eventType: number;
  readonly data: unknown;
  readonly actor: string | null;
  readonly causation: string | null;
}

/** Keeps a decision about a queue, if it is still at the version expected. Locks: the queue row. */
export const changeQueue = defineStatement<ChangeQueueParams, QueueRow>({
  name: 'change-queue',
  sql: (schema) => `
    with changed as (
      update ${schema}.queues set paused = $4, settings = $5::jsonb, version = version + 1
      where tenant_id = $1 and name = $2 and version = $3
      returning *
    ),
    logged as (
      insert into ${schema}.event_inbox
        (occurred_at, stream_id, version, queue_id, type, data, actor, causation)
      select ${now}, stream_id, version, id, $6, $7::jsonb, $8, $9 from changed
    )
    select id, name, stream_id, version, paused, settings, ${ms('created_at')} as created_at
    from changed`,
  values: (p) => [
    p.tenantId,
    p.name,
    p.expected,
    p.paused,
    JSON.stringify(p.settings),
    p.eventType,
    JSON.stringify(p.data),
    p.actor,
    p.causation,
  ],
});
