import { planForRanges } from '../consumers/statements/plan-for-ranges.ts';
import type { Database } from '../store/database.ts';
import type { Statement } from '../store/statement.ts';

/**
 * Runs a statement that reads a range of the log, in a transaction of its own: what it finds there is
 * hashed, whatever the planner believes of the log.
 */
export function runPlanned<Params, Row>(
  database: Database,
  statement: Statement<Params, Row>,
  params: Params,
): Promise<Row[]> {
  return database.transaction(async (tx) => {
    await tx.run(planForRanges, {});
    return tx.run(statement, params);
  });
}
