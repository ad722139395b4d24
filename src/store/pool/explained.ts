import { DaybookError, isDaybookError } from '../../kernel/errors.ts';
import { codeOf, isSilence, isUnavailable, sqlState } from '../sqlstate.ts';

/** Gives errors of the connection, and of a schema that is not there, their stable code. */
export function explained(error: unknown): unknown {
  if (isDaybookError(error)) return error;
  if (isUnavailable(error)) {
    const message = isSilence(error)
      ? 'The database did not answer in time.'
      : 'The database cannot be reached.';
    return new DaybookError('database-unavailable', message, { cause: error });
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
