import { isDaybookError } from '../kernel/errors.ts';

/** The SQLSTATEs that Daybook tells apart, by name. Never match an error by its message. */
export const sqlState = {
  uniqueViolation: '23505',
  foreignKeyViolation: '23503',
  checkViolation: '23514',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
  adminShutdown: '57P01',
  crashShutdown: '57P02',
  cannotConnectNow: '57P03',
  tooManyConnections: '53300',
  diskFull: '53100',
  readOnlyTransaction: '25006',
  idleInTransactionTimeout: '25P03',
  transactionTimeout: '25P04',
  undefinedTable: '42P01',
  undefinedColumn: '42703',
  undefinedFunction: '42883',
  invalidSchemaName: '3F000',
  insufficientPrivilege: '42501',
  duplicateTable: '42P07',
  duplicateObject: '42710',
  invalidPassword: '28P01',
  invalidAuthorization: '28000',
  invalidCatalogName: '3D000',
  /** Raised by Daybook: an outcome whose lease is lost, inside the caller's transaction. */
  leaseLost: 'DB001',
  /** Raised by Daybook: a change of the log. */
  logIsImmutable: 'DB002',
} as const;

/**
 * Classes (the first two characters) that say that the connection is gone, that the server lacks what
 * it needs (its disk is full, no connection is left), or that its system fails.
 */
const unavailableClasses = new Set(['08', '53', '58']);

/** Classes that say that a value cannot be stored: data exceptions, and program limits exceeded. */
const permanentClasses = new Set(['22', '54']);

const unavailable = new Set<string>([
  sqlState.adminShutdown,
  sqlState.crashShutdown,
  sqlState.cannotConnectNow,
  // It took longer than whoever runs the server allows.
  sqlState.queryCanceled,
  sqlState.idleInTransactionTimeout,
  sqlState.transactionTimeout,
]);

/** Node's own codes for a connection that failed. */
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EPIPE',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** The SQLSTATE (or Node's error code) of an error; undefined where it has none. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** True when the database cannot be reached now, and trying again later makes sense. */
export function isUnavailable(error: unknown): boolean {
  const code = codeOf(error);
  if (code === undefined) return isLostConnection(error);
  // The socket of a server that is down is a file that is not there.
  if (code === 'ENOENT') return (error as { syscall?: unknown }).syscall === 'connect';
  return (
    unavailable.has(code) || networkCodes.has(code) || unavailableClasses.has(code.slice(0, 2))
  );
}

/**
 * True where the database could not do so much at once, or not now: of what failed together, a part may
 * go through. Says nothing of a connection that was lost.
 */
export function mayBeTooMuch(error: unknown): boolean {
  const cause = isDaybookError(error) ? error.cause : error;
  const code = codeOf(cause) ?? '';
  const isShort = code.startsWith('53') || code.startsWith('58');
  return isShort || code === sqlState.queryCanceled || isSilence(cause);
}

/**
 * True when the values of a statement are at fault, so that it would fail again however often it is
 * repeated. Everything else (a deadlock, a full disk, a standby, a timeout) may pass.
 */
export function isPermanent(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  if (isDaybookError(error)) return code.startsWith('payload-');
  return permanentClasses.has(code.slice(0, 2));
}

/** What `pg` says of a statement that was not answered in time. */
const NO_ANSWER = 'Query read timeout';

/** True for a statement that was not answered at all in its time: nobody knows what became of it. */
export function isSilence(error: unknown): boolean {
  return error instanceof Error && error.message === NO_ANSWER;
}

/**
 * `pg` gives no code to a connection that ended under it; these are its own fixed sentences
 * (pg 8, lib/client.js and pg-pool), the one place where a text has to be read.
 */
const pgConnectionTexts = [
  'Connection terminated',
  'Client has encountered a connection error',
  'Client was closed and is not queryable',
  'timeout exceeded when trying to connect',
  'timeout expired',
  NO_ANSWER,
];

function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.some((each) => isUnavailable(each));
  return pgConnectionTexts.some((text) => error.message.startsWith(text));
}
