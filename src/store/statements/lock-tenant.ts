import { defineStatement } from '../statement.ts';

/**
 * Makes others who would create queues wait until this transaction ends. A statement of its own: the
 * one that counts and creates must take its snapshot after the lock, or the limit is not exact.
 */
export const lockTenant = defineStatement<{ readonly tenantId: number }, { id: number }>({
  name: 'lock-tenant',
  sql: (schema) => `select id from ${schema}.tenants where id = $1 for no key update`,
  values: ({ tenantId }) => [tenantId],
});
