import { sqlState } from '../sqlstate.ts';
import { defineStatement } from '../statement.ts';

/** Raises in the caller's transaction, so that it cannot commit the effects of a lost lease. */
export const refuseCommit = defineStatement<Record<string, never>, never>({
  name: 'refuse-commit',
  sql: (schema) => `
    select ${schema}.refuse('${sqlState.leaseLost}',
      'A lease is lost: this transaction must not commit.')`,
  values: () => [],
});
