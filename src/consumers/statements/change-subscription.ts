import { defineStatement } from '../../store/statement.ts';

export interface ChangeSubscriptionParams {
  readonly tenantId: number;
  readonly name: string;
  /** As JSON; null to keep what is, like the others. */
  readonly filter: string | null;
  readonly ackTimeoutMs: number | null;
  readonly maxAttempts: number | null;
  readonly maxInFlight: number | null;
}

/** Changes settings. Locks: the subscription's row. Index: subscriptions_tenant_id_name_key. */
export const changeSubscription = defineStatement<ChangeSubscriptionParams, { id: bigint }>({
  name: 'change-subscription',
  sql: (schema) => `
    update ${schema}.subscriptions s
    set filter = coalesce($3::jsonb, s.filter), tick = s.tick + 1,
        ack_timeout_ms = coalesce($4, s.ack_timeout_ms),
        max_attempts = coalesce($5, s.max_attempts),
        max_in_flight = coalesce($6, s.max_in_flight)
    where s.tenant_id = $1 and s.name = $2
    returning s.id`,
  values: (params) => [
    params.tenantId,
    params.name,
    params.filter,
    params.ackTimeoutMs,
    params.maxAttempts,
    params.maxInFlight,
  ],
});
