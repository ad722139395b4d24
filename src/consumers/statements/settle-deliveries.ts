import { defineStatement, now } from '../../store/statement.ts';

export interface SettleDeliveriesParams {
  readonly tenantId: number;
  readonly name: string;
  readonly positions: readonly bigint[];
  readonly deliveries: readonly string[];
  readonly actions: readonly ('ack' | 'retry' | 'park' | 'skip' | 'return')[];
  /** In ms; null for the usual pause: none before a return, and before a retry one that doubles. */
  readonly delaysMs: readonly (number | null)[];
  readonly reasons: readonly (string | null)[];
}

export interface SettledRow {
  readonly delivery: string;
  readonly stream_id: string;
  /** False for one that was answered before. */
  readonly changed: boolean;
  readonly state: 'waiting' | 'parked' | 'settled';
}

/**
 * Answers deliveries of a subscription: those that are still what was handed out. A retry of an event
 * that was handed out often enough parks it. Acked and skipped ones stay as settled until a receiver
 * takes them out and lets those behind them follow: only receivers look at whole streams.
 * `return` puts an event back as if it had never been handed out.
 * Locks: the rows, FOR UPDATE, in order of positions. Index: subscription_deliveries_pkey; changed by
 * ctid.
 */
export const settleDeliveries = defineStatement<SettleDeliveriesParams, SettledRow>({
  name: 'settle-deliveries',
  sql: (schema) => `
    with sub as materialized (
      select s.id, s.max_attempts from ${schema}.subscriptions s
      where s.tenant_id = $1 and s.name = $2
    ),
    held as materialized (
      select d.row_at, d.stream_id, d.attempts, d.in_flight, d.state, given.delivery,
        given.delay_ms, given.reason,
        case when given.action in ('ack', 'skip') then 'settled'
          when given.action = 'return' then 'waiting'
          when given.action = 'park' or d.attempts >= sub.max_attempts then 'parked'
          else 'waiting' end as becomes,
        d.attempts - (given.action = 'return')::int as attempts_after,
        given.action = 'return' as at_once
      from sub
      cross join lateral (
        select * from unnest($3::bigint[], $4::uuid[], $5::text[], $6::int[], $7::text[])
          as given (position, delivery, action, delay_ms, reason)
        order by given.position
      ) given
      cross join lateral (
        select d.ctid as row_at, d.stream_id, d.attempts, d.state, d.state = 'in-flight' as in_flight
        from ${schema}.subscription_deliveries d
        where d.subscription_id = sub.id and d.position = given.position
          and d.delivery = given.delivery
        limit 1
        for update of d
      ) d
    ),
    changed as (
      update ${schema}.subscription_deliveries d
      set state = held.becomes, attempts = held.attempts_after, changed_at = ${now},
          reason = coalesce(held.reason, d.reason),
          due_at = case held.becomes when 'settled' then '-infinity'::timestamptz
            when 'waiting' then ${now} + make_interval(secs => coalesce(held.delay_ms,
              case when held.at_once then 0 else least(300000, 1000 * 2 ^ (held.attempts - 1)) end)
              / 1000.0)
            end
      from held
      where d.ctid = any (array(select row_at from held where in_flight))
        and d.delivery = held.delivery
      returning d.delivery, d.stream_id, d.state
    )
    select c.delivery, c.stream_id, true as changed, c.state from changed c
    union all
    select h.delivery, h.stream_id, false, h.state from held h where not h.in_flight`,
  values: (params) => [
    params.tenantId,
    params.name,
    params.positions,
    params.deliveries,
    params.actions,
    params.delaysMs,
    params.reasons,
  ],
});
