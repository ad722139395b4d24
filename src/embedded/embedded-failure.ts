import { DaybookError, isDaybookError } from '../kernel/errors.ts';
import { errorCode } from './error-code.ts';

/** What the operating system's codes mean to the person who reads the sentence. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'too many files are open',
  ENOTDIR: 'a part of this path is a file, not a folder',
  EBUSY: 'it is in use',
};

/** An `embedded-postgres-failed` error; `sentence` names the cause and what to do. */
export function embeddedFailure(sentence: string, cause?: unknown): DaybookError {
  return new DaybookError('embedded-postgres-failed', sentence, { cause });
}

/**
 * The same for any error: a DaybookError stays as it is, others become one sentence.
 * @param folder to name instead of the path that the error tells
 */
export function asEmbeddedFailure(error: unknown, folder?: string): DaybookError {
  if (isDaybookError(error)) return error;
  const path = folder ?? pathOf(error);
  const code = errorCode(error);
  const reason =
    (code === undefined ? undefined : reasons[code]) ??
    (error instanceof Error ? error.message : String(error));
  if (path === undefined)
    return embeddedFailure(`The embedded Postgres could not be started: ${reason}.`, error);
  return embeddedFailure(
    `The embedded Postgres cannot use ${path}: ${reason}; mend that, or choose another folder with --data.`,
    error,
  );
}

function pathOf(error: unknown): string | undefined {
  return error instanceof Error && 'path' in error && typeof error.path === 'string'
    ? error.path
    : undefined;
}
