import { defineStatement } from '../../store/statement.ts';

/** Takes a subscription out. Locks: its row. Index: subscriptions_tenant_id_name_key. */
export const deleteSubscription = defineStatement<
  { readonly tenantId: number; readonly name: string },
  { id: bigint }
>({
  name: 'delete-subscription',
  sql: (schema) => `
    delete from ${schema}.subscriptions s where s.tenant_id = $1 and s.name = $2 returning s.id`,
  values: ({ tenantId, name }) => [tenantId, name],
});
