import { defineStatement } from '../../store/statement.ts';
import type { SubscriptionRow } from './find-subscription.ts';

export interface SubscriptionLagRow extends Omit<SubscriptionRow, 'asked_long_ago'> {
  readonly head: bigint;
  readonly ahead: boolean;
  /** Every event at or before it is acked or skipped. */
  readonly settled_until: bigint;
  /** Every event at or before it is acked, skipped, or parked or behind a parked one. */
  readonly done_until: bigint;
  /** Since when the first event after `done_until` is in the log, in seconds; 0 where there is none. */
  readonly lag_seconds: number;
  readonly in_flight: number;
  readonly waiting: number;
  readonly behind: number;
  readonly parked: number;
  readonly created_at: number;
  readonly moved_at: number;
  readonly asked_at: number | null;
  readonly read_at: number;
}

/**
 * Subscriptions with how far they are: one, or all of a tenant by name. Counts what each keeps, which
 * is bounded. Locks: none. Indexes: subscriptions_tenant_id_name_key, subscription_deliveries_pkey,
 * log_batches_pkey.
 */
export const listSubscriptions = defineStatement<
  { readonly tenantId: number; readonly name: string | null },
  SubscriptionLagRow
>({
  name: 'list-subscriptions',
  sql: (schema) => `
    select s.id, s.name, s.filter, s.start_from, s.ordering, s.ack_timeout_ms, s.max_attempts,
      s.max_in_flight, s.tick, s.epoch, s.position, s.read_position, s.created_at, s.moved_at,
      s.asked_at, h.position as head, statement_timestamp() as read_at,
      s.read_position > h.position or exists (
        select from ${schema}.log_epochs e
        where e.epoch > s.epoch and e.after_position < s.read_position) as ahead,
      place.settled_until, place.done_until, kept.in_flight, kept.waiting, kept.behind, kept.parked,
      greatest(0, coalesce(
        extract(epoch from statement_timestamp() - undone.recorded_at), 0))::float8 as lag_seconds
    from ${schema}.subscriptions s
    cross join ${schema}.log_head h
    cross join lateral (
      select min(d.position) as first,
        min(d.position) filter (where d.state in ('in-flight', 'waiting')) as first_active,
        count(*) filter (where d.state = 'in-flight')::int as in_flight,
        count(*) filter (where d.state = 'waiting')::int as waiting,
        count(*) filter (where d.state = 'behind')::int as behind,
        count(*) filter (where d.state = 'parked')::int as parked
      from (
        select d.position, d.state from ${schema}.subscription_deliveries d
        where d.subscription_id = s.id and d.position > s.position and d.state <> 'settled'
        order by d.position limit 2147483647
      ) d
    ) kept
    cross join lateral (
      select coalesce(kept.first - 1, s.read_position) as settled_until,
        coalesce(kept.first_active - 1, s.read_position) as done_until
    ) place
    left join lateral (
      select b.recorded_at from ${schema}.log_batches b
      where b.last_position > place.done_until
      order by b.last_position limit 1
    ) undone on true
    where s.tenant_id = $1 and ($2::text is null or s.name = $2)
    order by s.name`,
  values: ({ tenantId, name }) => [tenantId, name],
});
