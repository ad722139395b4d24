import { DaybookError } from '../kernel/errors.ts';
import { codeOf, sqlState } from '../store/sqlstate.ts';
import type { Executor } from '../store/statement.ts';
import {
  releaseSavepoint,
  rollbackToSavepoint,
  setSavepoint,
} from '../store/statements/savepoint.ts';
import { setLockTimeout } from '../store/statements/set-lock-timeout.ts';
import type { CommandOptions, WriteContext } from './write-context.ts';

/** How long a command that takes a key waits for another transaction that takes the same. */
const LOCK_TIMEOUT = '1s';

/** What a statement that waited too long for a lock on a job means to its caller. */
export function heldByOthers(error: unknown): unknown {
  if (codeOf(error) !== sqlState.lockNotAvailable) return error;
  const message = 'Another transaction holds a job that was to be changed.';
  return new DaybookError('concurrent-change', message, { cause: error });
}

/**
 * Runs `work` in a transaction of its own, or in a savepoint of the caller's, in which no statement
 * waits longer than a second for a lock. When it rejects nothing of it is kept, and a caller's
 * transaction can go on, with the lock_timeout that it had.
 */
export async function withLockTimeout<Result>(
  context: WriteContext,
  options: CommandOptions,
  work: (tx: Executor) => Promise<Result>,
): Promise<Result> {
  if (options.client === undefined) {
    return context.database.transaction(async (tx) => {
      await tx.run(setLockTimeout, { timeout: LOCK_TIMEOUT });
      return work(tx);
    });
  }
  const tx = context.database.on(options.client);
  await tx.run(setSavepoint, {});
  try {
    const [was] = await tx.run(setLockTimeout, { timeout: LOCK_TIMEOUT });
    const result = await work(tx);
    await tx.run(setLockTimeout, { timeout: was?.before ?? '0' });
    await tx.run(releaseSavepoint, {});
    return result;
  } catch (error) {
    await tx.run(rollbackToSavepoint, {});
    throw error;
  }
}
