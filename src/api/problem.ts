import { type ErrorCode, errorCatalogue } from '../kernel/error-catalogue.ts';
import { DaybookError, type FieldError, isDaybookError } from '../kernel/errors.ts';

/** How a code is answered over HTTP. */
interface HttpAnswer {
  readonly status: number;
  /** The same request may go through later: after so many seconds. */
  readonly retryAfterS?: number;
}

/**
 * The HTTP status of every code, in one table. `null`: the code never leaves the process by HTTP (it
 * stops a start, or stands in a job's history); should it get here all the same, it is a 500.
 */
export const httpAnswers: Readonly<Record<ErrorCode, HttpAnswer | null>> = {
  'malformed-request': { status: 400 },
  'invalid-request': { status: 400 },
  'position-ahead': { status: 400 },
  'moment-in-future': { status: 400 },
  'moment-before-log': { status: 400 },
  'forbidden-host': { status: 403 },
  'not-found': { status: 404 },
  'job-not-found': { status: 404 },
  'queue-not-found': { status: 404 },
  'consumer-not-found': { status: 404 },
  'subscription-not-found': { status: 404 },
  'worker-not-found': { status: 404 },
  'verification-not-found': { status: 404 },
  'method-not-allowed': { status: 405 },
  'illegal-transition': { status: 409 },
  'lease-lost': { status: 409 },
  'already-recorded': { status: 409 },
  'unique-key-held': { status: 409 },
  'key-busy': { status: 409, retryAfterS: 1 },
  'rebuild-in-progress': { status: 409 },
  'subscription-differs': { status: 409 },
  'subscription-ahead': { status: 409 },
  'subscription-full': { status: 409 },
  'concurrent-change': { status: 409, retryAfterS: 1 },
  'token-expired': { status: 410 },
  'write-lost': { status: 410 },
  'request-timeout': { status: 408 },
  'payload-too-large': { status: 413 },
  'unsupported-media-type': { status: 415 },
  'headers-too-large': { status: 431 },
  'payload-invalid': { status: 422 },
  'idempotency-key-reused': { status: 422 },
  'too-many-queues': { status: 422 },
  'too-many-types': { status: 422 },
  'too-many-subscriptions': { status: 422 },
  'queue-full': { status: 429, retryAfterS: 2 },
  internal: { status: 500 },
  'projection-behind': { status: 503, retryAfterS: 1 },
  'database-unavailable': { status: 503, retryAfterS: 2 },
  'pool-exhausted': { status: 503, retryAfterS: 1 },
  'read-only': { status: 503, retryAfterS: 5 },
  'migration-needed': { status: 503, retryAfterS: 30 },
  overloaded: { status: 503, retryAfterS: 1 },
  closed: { status: 503, retryAfterS: 1 },
  'wait-timeout': null,
  'claims-busy': null,
  'export-incomplete': null,
  'source-refused': null,
  'database-not-empty': null,
  'restore-busy': null,
  aborted: null,
  'invalid-options': null,
  'unknown-type': null,
  'handler-timeout': null,
  'migration-failed': null,
  'database-refused': null,
  'jobs-module-invalid': null,
  'relay-client-missing': null,
  'relay-target-unavailable': null,
  'port-in-use': null,
  'embedded-postgres-failed': null,
};

const internal: HttpAnswer = { status: 500 };

/** An error as RFC 9457 tells it; the facts of the error stand beside the members listed here. */
export interface Problem {
  /** A URI reference that this server answers: its page of errors. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The path of the request. */
  readonly instance: string;
  readonly code: ErrorCode;
  readonly requestId: string;
  readonly retryable: boolean;
  readonly errors: readonly FieldError[];
  readonly [fact: string]: unknown;
}

/** What is answered for an error, and whether it is one that somebody should look at. */
export interface ProblemAnswer {
  readonly problem: Problem;
  readonly retryAfterS: number | undefined;
  /** A defect: to be logged with its cause. */
  readonly unexpected: boolean;
}

/** Where the page of a code is, relative to the server. */
export function errorPage(code: ErrorCode): string {
  return `/docs/errors#${code}`;
}

/**
 * The answer for whatever was thrown. What is not a DaybookError, or must not leave the process, is
 * `internal`: neither its message nor its stack is shown.
 */
export function problemOf(thrown: unknown, requestId: string, instance: string): ProblemAnswer {
  const error = presentable(thrown);
  const { status, retryAfterS } = httpAnswers[error.code] ?? internal;
  const members = {
    type: errorPage(error.code),
    title: errorCatalogue[error.code].title,
    status,
    // The message of this one quotes Postgres.
    detail: error.code === 'migration-needed' ? error.advice : error.message,
    instance,
    code: error.code,
    requestId,
    retryable: retryAfterS !== undefined,
    errors: error.fields,
  };
  return {
    // Facts stand behind the members, and never take the place of one.
    problem: { ...members, ...error.facts, ...members },
    retryAfterS,
    unexpected: error.code === 'internal',
  };
}

function presentable(thrown: unknown): DaybookError {
  const error = isDaybookError(thrown) ? thrown : fromFastify(thrown);
  if (error !== undefined && error.code !== 'internal' && httpAnswers[error.code] !== null) {
    return error;
  }
  return new DaybookError('internal', errorCatalogue.internal.advice, { cause: thrown });
}

/** What fastify itself refuses, by its own stable codes; what serves /docs has none. */
const fastifyCodes: Readonly<Record<string, readonly [code: ErrorCode, detail: string]>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: ['malformed-request', 'The body is not valid JSON.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['malformed-request', 'The body is empty.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'malformed-request',
    'The body is not as long as Content-Length says.',
  ],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'The body must be application/json.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload-too-large', 'The body is larger than this address takes.'],
  FST_ERR_BAD_URL: ['malformed-request', 'The path is not a valid URL.'],
  FST_ERR_MAX_PARAM_LENGTH: ['not-found', 'There is nothing at this address.'],
};

function fromFastify(thrown: unknown): DaybookError | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { code, statusCode = 500 } = thrown as { code?: unknown; statusCode?: unknown };
  const known = typeof code === 'string' ? fastifyCodes[code] : undefined;
  if (known !== undefined) return new DaybookError(known[0], known[1], { cause: thrown });
  if (statusCode === 403 || statusCode === 404) {
    return new DaybookError('not-found', 'There is nothing at this address.', { cause: thrown });
  }
  // Whatever else a part of fastify blames on the request, in words that are not for its sender.
  const isRefusal = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
  if (!isRefusal) return undefined;
  return new DaybookError('malformed-request', 'The request cannot be read.', { cause: thrown });
}
