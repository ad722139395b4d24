import { defineStatement } from '../../store/statement.ts';
import type { EventFilter } from '../../domain/event-filter.ts';

export interface SubscriptionRow {
  readonly id: bigint;
  readonly name: string;
  readonly filter: EventFilter;
  readonly start_from: string;
  readonly ordering: 'stream' | 'none';
  readonly ack_timeout_ms: number;
  readonly max_attempts: number;
  readonly max_in_flight: number;
  readonly tick: bigint;
  readonly epoch: number;
  readonly position: bigint;
  readonly read_position: bigint;
  /** No member has asked in the last ten seconds, as far as is noted. */
  readonly asked_long_ago: boolean;
}

/** A subscription as it stands. Locks: none. Index: subscriptions_tenant_id_name_key. */
export const findSubscription = defineStatement<
  { readonly tenantId: number; readonly name: string },
  SubscriptionRow
>({
  name: 'find-subscription',
  sql: (schema) => `
    select s.id, s.name, s.filter, s.start_from, s.ordering, s.ack_timeout_ms, s.max_attempts,
      s.max_in_flight, s.tick, s.epoch, s.position, s.read_position,
      coalesce(s.asked_at < statement_timestamp() - interval '10 seconds', true) as asked_long_ago
    from ${schema}.subscriptions s where s.tenant_id = $1 and s.name = $2`,
  values: ({ tenantId, name }) => [tenantId, name],
});
