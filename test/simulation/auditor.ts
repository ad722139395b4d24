import type { Database } from '../../src/store/database.ts';
import type { Difference } from '../../src/verify/report.ts';
import type { SafetyOptions, SafetyReport } from '../../src/verify/safety/safety-check.ts';
import { verify } from '../../src/verify/verify.ts';

export { readRecordFiles } from '../../src/maintenance/read-record-files.ts';

/** What an audit has found. */
export interface Audit extends SafetyReport {
  /** Where tables and log differ; the first hundred. */
  readonly differences: readonly Difference[];
}

/**
 * Audits a database after a run: whether what must never happen did, and whether the tables are what the
 * log says. Load must have stopped and the inbox be empty: what is not in the log counts as missing.
 */
export async function auditLog(database: Database, options: SafetyOptions): Promise<Audit> {
  const { safety, differences } = await verify(database, { safety: options });
  if (safety === null) throw new Error('The safety check was asked for.');
  return { ...safety, differences };
}
