import { defineStatement, ms } from '../statement.ts';

export interface QueueRow {
  readonly id: number;
  readonly name: string;
  readonly stream_id: string;
  readonly version: number;
  readonly paused: boolean;
  readonly settings: Record<string, unknown>;
  readonly created_at: number;
}

/** Queues by name, or all of a tenant (1,000 at most) for null. Locks: none. */
export const findQueues = defineStatement<
  { readonly tenantId: number; readonly names: readonly string[] | null },
  QueueRow
>({
  name: 'find-queues',
  sql: (schema) => `
    select id, name, stream_id, version, paused, settings, ${ms('created_at')} as created_at
    from ${schema}.queues
    where tenant_id = $1 and ($2::text[] is null or name = any ($2))
    order by name limit 1000`,
  values: ({ tenantId, names }) => [tenantId, names],
});
