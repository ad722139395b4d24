import { defineStatement } from '../statement.ts';

/**
 * Keeps sequencers, and others that open an epoch, waiting until the transaction ends.
 * Locks: the head row FOR UPDATE.
 */
export const lockHead = defineStatement<Record<string, never>, { epoch: number }>({
  name: 'lock-head',
  sql: (schema) => `select h.epoch from ${schema}.log_head h for update`,
  values: () => [],
});
