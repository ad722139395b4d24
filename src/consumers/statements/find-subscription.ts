import { defineStatement, now } from '../../store/statement.ts';
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

/** With what tells whether a look at it can find anything. */
export interface SubscriptionNow extends SubscriptionRow {
  readonly head: bigint;
  readonly log_epoch: number;
  /** Something it keeps is due. */
  readonly due: boolean;
  /** Until the next falls due, in ms; null if none will by itself. */
  readonly next_due_ms: number | null;
}

/**
 * A subscription as it stands. Locks: none. Indexes: subscriptions_tenant_id_name_key,
 * subscription_deliveries_due.
 */
export const findSubscription = defineStatement<
  { readonly tenantId: number; readonly name: string },
  SubscriptionNow
>({
  name: 'find-subscription',
  sql: (schema) => `
    select s.id, s.name, s.filter, s.start_from, s.ordering, s.ack_timeout_ms, s.max_attempts,
      s.max_in_flight, s.tick, s.epoch, s.position, s.read_position, h.position as head, h.epoch as log_epoch,
      coalesce(s.asked_at < statement_timestamp() - interval '10 seconds', true) as asked_long_ago,
      first.due_at is not null and first.due_at <= ${now} as due,
      greatest(0, extract(epoch from first.due_at - ${now}) * 1000)::float8 as next_due_ms
    from ${schema}.subscriptions s
    cross join ${schema}.log_head h
    left join lateral (
      -- Settled ones have a time before all others, which is no number of seconds ago.
      select greatest(d.due_at, s.created_at) as due_at from ${schema}.subscription_deliveries d
      where d.subscription_id = s.id and d.due_at is not null
      order by d.due_at limit 1
    ) first on true
    where s.tenant_id = $1 and s.name = $2`,
  values: ({ tenantId, name }) => [tenantId, name],
});
