import { planForProbes } from '../consumers/statements/plan-for-probes.ts';
import type { Database } from '../store/database.ts';
import type { Statement } from '../store/statement.ts';

/**
 * Runs a statement that reads a range of the log, in a transaction of its own: its plan does
 * not depend on statistics, which are too old at the head of the log.
 */
export function runPlanned<Params, Row>(
  database: Database,
  statement: Statement<Params, Row>,
  params: Params,
): Promise<Row[]> {
  return database.transaction(async (tx) => {
    await tx.run(planForProbes, {});
    return tx.run(statement, params);
  });
}
