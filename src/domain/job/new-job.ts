import { isUuid } from '../../kernel/uuid.ts';
import { isName } from '../names.ts';
import { maxRetryDelayMs, type RetryPolicy, retryPolicyFault } from '../retry-policy.ts';
import { isStorable } from '../storable-text.ts';

/** A job to be: what a submission says. Only `type` has no default. */
export interface NewJob {
  /** Default `default`. */
  readonly queue?: string | undefined;
  readonly type: string;
  /** Anything JSON can carry; default null. */
  readonly payload?: unknown;
  /** 0 runs first, 9 last; default 4. */
  readonly priority?: number | undefined;
  /** Not before this time, in ms since the epoch. */
  readonly runAtMs?: number | undefined;
  /** Not before this long from now, by the database's clock. Not together with runAtMs. */
  readonly delayMs?: number | undefined;
  /** Default 10. */
  readonly maxAttempts?: number | undefined;
  readonly retryPolicy?: RetryPolicy | undefined;
  /** How long one attempt may take; default: what the type's definition says, or no limit. */
  readonly timeoutMs?: number | undefined;
  readonly tags?: readonly string[] | undefined;
  /** At most one live job holds it. */
  readonly uniqueKey?: string | undefined;
  readonly correlationId?: string | undefined;
  /** The id of the job that this one runs again. */
  readonly replayOf?: string | undefined;
  /** A repeated submission with the same key answers the first one's job. */
  readonly idempotencyKey?: string | undefined;
}

/** Limits of a submission; the HTTP schemas use the same numbers. */
export const jobLimits = {
  maxAttempts: 1_000,
  timeoutMs: 7 * 24 * 3_600_000,
  delayMs: maxRetryDelayMs,
  /** 9999-12-31T23:59:59Z: a later year has five digits, which Postgres and RFC 3339 do not share. */
  latestMs: 253_402_300_799_000,
  tags: 20,
  tagLength: 100,
  keyLength: 255,
  reasonLength: 500,
  payloadBytes: 1_048_576,
  batch: 10_000,
} as const;

export interface WrongField {
  readonly pointer: string;
  readonly message: string;
}

/** What is wrong with a submission, field by field; empty when nothing is. */
export function checkNewJob(job: NewJob): WrongField[] {
  const wrong: WrongField[] = [];
  const check = (ok: boolean, pointer: string, message: string) => {
    if (!ok) wrong.push({ pointer, message });
  };
  const name = 'must be 1 to 64 of a-z, 0-9, dot, underscore and hyphen';
  check(typeof job.type === 'string' && isName(job.type), '/type', name);
  check(job.queue === undefined || isName(job.queue), '/queue', name);
  check(isWithin(job.priority, 0, 9), '/priority', 'must be a whole number from 0 to 9');
  check(
    isWithin(job.maxAttempts, 1, jobLimits.maxAttempts),
    '/maxAttempts',
    `must be a whole number from 1 to ${jobLimits.maxAttempts}`,
  );
  check(isWithin(job.timeoutMs, 1, jobLimits.timeoutMs), '/timeoutMs', 'must be 1 ms to 7 days');
  check(isWithin(job.delayMs, 0, jobLimits.delayMs), '/delayMs', 'must be 0 ms to 366 days');
  check(isWithin(job.runAtMs, 0, jobLimits.latestMs), '/runAt', 'must be a time before year 10000');
  check(
    job.runAtMs === undefined || job.delayMs === undefined,
    '/delayMs',
    'must not be given together with runAt',
  );
  check(job.replayOf === undefined || isUuid(job.replayOf), '/replayOf', 'must be the id of a job');
  const fault = job.retryPolicy === undefined ? null : retryPolicyFault(job.retryPolicy);
  check(fault === null, '/retryPolicy', fault ?? '');
  check(areTags(job.tags), '/tags', 'must be at most 20 texts of 1 to 100 characters');
  for (const key of ['uniqueKey', 'correlationId', 'idempotencyKey'] as const) {
    const text = job[key];
    check(text === undefined || isKey(text), `/${key}`, 'must be 1 to 255 printable characters');
  }
  return wrong;
}

/** True for a text that may be a key, a correlation id or an actor. */
export function isKey(text: unknown): text is string {
  if (typeof text !== 'string') return false;
  return text.length >= 1 && text.length <= jobLimits.keyLength && isPrintable(text);
}

function isPrintable(text: string): boolean {
  return isStorable(text) && !/\p{Cc}/u.test(text);
}

function isWithin(value: number | undefined, min: number, max: number): boolean {
  return value === undefined || (Number.isInteger(value) && value >= min && value <= max);
}

function areTags(tags: readonly string[] | undefined): boolean {
  if (tags === undefined) return true;
  if (tags.length > jobLimits.tags) return false;
  return tags.every(
    (tag) => tag.length >= 1 && tag.length <= jobLimits.tagLength && isPrintable(tag),
  );
}
