import { defineStatement } from '../statement.ts';

export interface FindQueueEventParams {
  readonly tenantId: number;
  readonly streamId: string;
  readonly version: number;
}

/**
 * Where an event of a queue stands: a row without a position for one that the sequencer has not moved
 * yet; no row where there never was one. Locks: none. Indexes: queues_stream_id_key, events_stream.
 */
export const findQueueEvent = defineStatement<
  FindQueueEventParams,
  { position: bigint | null; epoch: number | null }
>({
  name: 'find-queue-event',
  sql: (schema) => `
    select e.position, e.epoch from ${schema}.queues q
    left join lateral (
      select e.position, e.epoch from ${schema}.events e
      where e.stream_id = q.stream_id and e.version = $3
      order by e.stream_id, e.version limit 1
    ) e on true
    where q.tenant_id = $1 and q.stream_id = $2 and q.version >= $3`,
  values: ({ tenantId, streamId, version }) => [tenantId, streamId, version],
});
