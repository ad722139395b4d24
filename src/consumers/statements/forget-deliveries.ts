import { defineStatement } from '../../store/statement.ts';

/**
 * Takes out what belongs to no subscription any more, after a reset or a deletion; also what a process
 * left that died between the two. Rare, so it may read the whole table.
 * Locks: the rows it takes out, which nobody else wants.
 */
export const forgetDeliveries = defineStatement<Record<string, never>, never>({
  name: 'forget-deliveries',
  sql: (schema) => `
    delete from ${schema}.subscription_deliveries d
    where not exists (select from ${schema}.subscriptions s where s.id = d.subscription_id)`,
  values: () => [],
});
