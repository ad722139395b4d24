import { defineStatement } from '../../statement.ts';

/**
 * Keeps every writer away from the claim table and the dead jobs until the transaction ends; readers
 * go on. Locks: both tables EXCLUSIVE, which waits for every transaction that has written to them.
 */
export const lockClaimTables = defineStatement<Record<string, never>, never>({
  name: 'lock-claim-tables',
  sql: (schema) => `lock table ${schema}.job_claims, ${schema}.dead_jobs in exclusive mode`,
  values: () => [],
});
