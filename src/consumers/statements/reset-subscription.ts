import { defineStatement, now } from '../../store/statement.ts';

/**
 * Lets a subscription begin anew after a position, under a new id: what was in flight, waiting or
 * parked under the old one belongs to nobody from then on, and is taken out by a statement of its own
 * (in this one, rows that a receiver adds at the same moment could not be seen).
 * Locks: the subscription's row. Index: subscriptions_tenant_id_name_key.
 */
export const resetSubscription = defineStatement<
  { readonly tenantId: number; readonly name: string; readonly position: bigint },
  { id: bigint }
>({
  name: 'reset-subscription',
  sql: (schema) => `
    update ${schema}.subscriptions s
    set id = default, tick = s.tick + 1, epoch = h.epoch, position = $3, read_position = $3,
        moved_at = ${now}
    from ${schema}.log_head h
    where s.tenant_id = $1 and s.name = $2
    returning s.id`,
  values: ({ tenantId, name, position }) => [tenantId, name, position],
});
