import { type ErrorCode, errorCatalogue } from './error-catalogue.ts';

export interface DaybookErrorDetails {
  /** What led to this error, kept for logs; never shown to a remote caller. */
  readonly cause?: unknown;
  /** Fields that are wrong, as JSON pointers (RFC 6901) into the caller's input. */
  readonly fields?: readonly FieldError[];
  /** Facts a program may act on, such as the id of the job that holds a key. */
  readonly facts?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface FieldError {
  readonly pointer: string;
  readonly message: string;
}

/**
 * The one error class of Daybook. `code` is stable and listed in docs/errors.md; `message` says what
 * happened here, and `advice` what to do about it.
 */
export class DaybookError extends Error {
  readonly code: ErrorCode;
  readonly fields: readonly FieldError[];
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;

  constructor(code: ErrorCode, message: string, details: DaybookErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'DaybookError';
    this.code = code;
    this.fields = details.fields ?? [];
    this.facts = details.facts ?? {};
  }

  /** One sentence that tells the reader what to do. */
  get advice(): string {
    return errorCatalogue[this.code].advice;
  }
}

/** True for a DaybookError, also one made by another copy of this package; narrows to `code` if given. */
export function isDaybookError(error: unknown, code?: ErrorCode): error is DaybookError {
  if (!(error instanceof Error) || error.name !== 'DaybookError' || !('code' in error))
    return false;
  return code === undefined || error.code === code;
}
