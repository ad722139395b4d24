import type { Database } from '../../store/database.ts';
import { readPermissions } from '../../store/statements/doctor/read-permissions.ts';
import { type Finding, orFine } from '../finding.ts';

/** Whether the role that is asked as may do what Daybook does. */
export async function checkPermissions(database: Pick<Database, 'run'>): Promise<Finding[]> {
  const [row] = await database.run(readPermissions, {});
  if (row === undefined) return [];
  const findings: Finding[] = [];
  const refuse = (subject: string, message: string, advice: string) =>
    findings.push({ check: 'permissions', level: 'wrong', subject, message, advice });
  if (!row.may_use) refuse('schema', 'the schema may not be used', 'Grant usage on it.');
  if (!row.may_create) {
    const message =
      'nothing may be made in the schema: neither partitions of the log nor read models';
    refuse('schema', message, 'Grant create on it.');
  }
  if (!row.owns_log) {
    const message = 'the log belongs to another role: no partition can be attached to it';
    refuse('table events', message, 'Be the role that migrated, or a member of it.');
  }
  for (const name of row.refused) {
    refuse(name, `${name} may not be used in full`, 'Grant what the role that migrated has.');
  }
  const seen = row.sees_others
    ? 'all there is to need'
    : 'all there is to need; what other roles run is not seen here (grant pg_read_all_stats for that)';
  return orFine('permissions', findings, seen);
}
