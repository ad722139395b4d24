import { DaybookError } from '../../kernel/errors.ts';
import { codeOf, sqlState } from '../sqlstate.ts';

/** What the database says to whom it does not let in, or do this. */
const refusals = new Set<string | undefined>([
  sqlState.invalidPassword,
  sqlState.invalidAuthorization,
  sqlState.invalidCatalogName,
  sqlState.insufficientPrivilege,
]);

/**
 * The stable code for a user whom the database does not know, a database that is not there, and rights
 * that are missing; undefined for every other error. For commands: a process that runs tries again, and
 * what a caller does in a transaction of their own is theirs.
 */
export function refusalOf(error: unknown): DaybookError | undefined {
  if (!refusals.has(codeOf(error))) return undefined;
  const said = error instanceof Error ? error.message : String(error);
  return new DaybookError('database-refused', `The database refuses this: ${said}.`, {
    cause: error,
  });
}
