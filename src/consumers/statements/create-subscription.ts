import { defineStatement, now } from '../../store/statement.ts';

export interface CreateSubscriptionParams {
  readonly tenantId: number;
  readonly name: string;
  /** As JSON. */
  readonly filter: string;
  readonly startFrom: string;
  /** The last position that it does not read. */
  readonly position: bigint;
  readonly order: 'stream' | 'none';
  readonly ackTimeoutMs: number;
  readonly maxAttempts: number;
  readonly maxInFlight: number;
  /** Subscriptions of the tenant at the most. */
  readonly limit: number;
}

/**
 * Makes a subscription, unless its name is taken or there are too many. Answers whether it did, and
 * how many there were. Locks: none beyond the new row. Index: subscriptions_tenant_id_name_key.
 */
export const createSubscription = defineStatement<
  CreateSubscriptionParams,
  { created: boolean; others: number }
>({
  name: 'create-subscription',
  sql: (schema) => `
    with others as materialized (
      select count(*)::int as others from ${schema}.subscriptions where tenant_id = $1
    ),
    created as (
      insert into ${schema}.subscriptions
        (tenant_id, name, filter, start_from, ordering, ack_timeout_ms, max_attempts, max_in_flight,
         created_at, epoch, position, read_position, moved_at)
      select $1, $2, $3::jsonb, $4, $6, $7, $8, $9, ${now}, h.epoch, $5, $5, ${now}
      from ${schema}.log_head h cross join others where others < $10
      on conflict (tenant_id, name) do nothing
      returning id
    )
    select exists (select from created) as created, others from others`,
  values: (params) => [
    params.tenantId,
    params.name,
    params.filter,
    params.startFrom,
    params.position,
    params.order,
    params.ackTimeoutMs,
    params.maxAttempts,
    params.maxInFlight,
    params.limit,
  ],
});
