import { DaybookError, isDaybookError } from '../../kernel/errors.ts';
import { codeOf, isSilence, isUnavailable, sqlState } from '../sqlstate.ts';

/** Gives errors of the connection, and of a schema that is not there, their stable code. */
export function explained(error: unknown): unknown {
  if (isDaybookError(error)) return error;
  if (isUnavailable(error)) {
    return new DaybookError('database-unavailable', unavailability(error), { cause: error });
  }
  const code = codeOf(error);
  if (code === sqlState.readOnlyTransaction) {
    return new DaybookError('read-only', 'This server is a standby: it takes no writes.', {
      cause: error,
    });
  }
  if (
    code === sqlState.undefinedTable ||
    code === sqlState.undefinedColumn ||
    code === sqlState.undefinedFunction ||
    code === sqlState.invalidSchemaName
  ) {
    return new DaybookError(
      'migration-needed',
      `The database lacks something this version of Daybook needs: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  return error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unavailability(error: unknown): string {
  if (isSilence(error)) return 'The database did not answer in time.';
  const code = codeOf(error);
  if (code === sqlState.queryCanceled) return 'The database took too long and gave up.';
  if (code === sqlState.diskFull) return 'The disk of the database is full.';
  return 'The database cannot be reached.';
}
