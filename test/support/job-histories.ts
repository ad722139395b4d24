import fc from 'fast-check';
import type { JobChange } from '../../src/commands/change/change-jobs.ts';
import type { RetryPolicy } from '../../src/domain/retry-policy.ts';
import { sha256 } from '../../src/kernel/ids.ts';

/** Which token an outcome brings: of the present claim, of the one before, or of nobody. */
export type Token = 'present' | 'earlier' | 'foreign';

/** A change of one job, once it is known which token it has and what its queues are called. */
export type Change = (
  tokenOf: (token: Token) => string,
  queueOf: (queue: string) => string,
) => Omit<JobChange, 'id'>;

/** What happens to the jobs of a history at once; the n-th entry of a list is for the n-th job. */
export type Turn =
  | { readonly kind: 'claim'; readonly suspects: boolean }
  | { readonly kind: 'complete'; readonly tokens: readonly (Token | null)[] }
  | { readonly kind: 'expire'; readonly marked: readonly boolean[] }
  | { readonly kind: 'change'; readonly changes: readonly (Change | null)[] };

const JOBS = 4;
const HOUR = 3_600_000;

const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: JOBS, maxLength: JOBS });
const token = fc.oneof(
  { weight: 5, arbitrary: fc.constant('present' as const) },
  { weight: 1, arbitrary: fc.constantFrom<Token>('earlier', 'foreign') },
);
const reason = fc.constantFrom(null, 'asked for');
// Now, or so late that it does not come during the test.
const delayMs = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.constant(HOUR));
const tags = fc.array(fc.string({ minLength: 1, maxLength: 5, unit: 'grapheme' }), {
  maxLength: 3,
});
const retryPolicy: fc.Arbitrary<RetryPolicy> = fc.oneof(
  fc.record({ kind: fc.constant('fixed' as const), delayMs, jitter: fc.constant(0) }),
  fc.constant({ kind: 'custom' as const }),
);

const newJob = fc.record(
  {
    type: fc.constantFrom('x', 'y'),
    queue: fc.constantFrom('a', 'b'),
    priority: fc.nat(9),
    maxAttempts: fc.integer({ min: 1, max: 3 }),
    delayMs,
    timeoutMs: fc.integer({ min: 1, max: HOUR }),
    payload: fc.jsonValue(),
    retryPolicy,
    tags,
    correlationId: fc.constantFrom('c', 'ü"\\'),
  },
  { requiredKeys: ['type', 'queue'] },
);

const edit = fc
  .record(
    { priority: fc.nat(9), timeoutMs: fc.option(fc.nat()), tags, retryPolicy, payload: fc.json() },
    { requiredKeys: [] },
  )
  .chain(({ payload, ...changes }) =>
    reason.map((why): Change => {
      const body =
        payload === undefined
          ? {}
          : { payloadHash: sha256(payload), payloadBytes: Buffer.byteLength(payload) };
      const command = { kind: 'edit' as const, changes: { ...changes, ...body }, reason: why };
      return () => (payload === undefined ? { command } : { command, payload });
    }),
  );

const error = { name: 'Error', message: 'boom' };

const failure = fc.tuple(token, fc.boolean(), fc.option(delayMs, { nil: undefined })).map(
  ([which, retryable, own]): Change =>
    (tokenOf) => {
      const delay = own === undefined ? {} : { delayMs: own };
      const command = {
        kind: 'fail' as const,
        leaseToken: tokenOf(which),
        error,
        retryable,
        ...delay,
      };
      return { command };
    },
);

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: failure },
  {
    weight: 2,
    arbitrary: fc.tuple(token, delayMs).map(
      ([which, delay]): Change =>
        (tokenOf) => ({
          command: { kind: 'snooze', leaseToken: tokenOf(which), delayMs: delay },
        }),
    ),
  },
  {
    weight: 2,
    arbitrary: token.map(
      (which): Change =>
        (tokenOf) => ({
          command: { kind: 'release', leaseToken: tokenOf(which) },
        }),
    ),
  },
  {
    weight: 2,
    arbitrary: reason.map(
      (why): Change =>
        () => ({ command: { kind: 'cancel', reason: why } }),
    ),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(reason, delayMs).map(
      ([why, delay]): Change =>
        () => ({
          command: { kind: 'retry', reason: why, delayMs: delay },
        }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.integer({ min: 0, max: Date.UTC(2200, 0) }), reason).map(
      ([runAtMs, why]): Change =>
        () => ({
          command: { kind: 'reschedule', runAtMs, reason: why },
        }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom('a', 'b'), reason).map(
      ([queue, why]): Change =>
        (_, queueOf) => ({
          command: { kind: 'move', queue: queueOf(queue), reason: why },
        }),
    ),
  },
  { weight: 1, arbitrary: edit },
  {
    weight: 1,
    arbitrary: reason.map(
      (why): Change =>
        () => ({
          command: { kind: 'erase-payload', reason: why },
        }),
    ),
  },
);

const kind = <K extends Turn['kind']>(name: K) => fc.constant(name);

const turn: fc.Arbitrary<Turn> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: kind('claim'), suspects: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: kind('complete'), tokens: list(fc.option(token, { freq: 2 })) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: kind('expire'), marked: list(fc.boolean()) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: kind('change'), changes: list(fc.option(change, { freq: 2 })) }),
  },
);

interface History {
  jobs: { type: string; queue: string }[];
  turns: Turn[];
}

/** A few jobs, and what happens to them. */
export const histories: fc.Arbitrary<History> = fc.record({
  jobs: fc.array(newJob, { minLength: JOBS, maxLength: JOBS }),
  turns: fc.array(turn, { maxLength: 20, size: 'max' }),
});

const later = { delayMs: HOUR };
const why = { reason: null };

/** One in which everything happens that is rare: chance does not always bring it. */
export const eventful: History = {
  jobs: Array.from({ length: JOBS }, () => ({ type: 'x', queue: 'a' })),
  turns: [
    { kind: 'claim', suspects: false },
    {
      kind: 'change',
      changes: [
        (tokenOf) => ({
          command: { kind: 'fail', leaseToken: tokenOf('present'), error, retryable: false },
        }),
        (tokenOf) => ({
          command: { kind: 'snooze', leaseToken: tokenOf('present'), ...later },
        }),
        () => ({ command: { kind: 'cancel', ...why } }),
        null,
      ],
    },
    { kind: 'complete', tokens: [null, null, null, 'present'] },
    {
      kind: 'change',
      changes: [
        () => ({ command: { kind: 'retry', ...why, delayMs: 0 } }),
        (_, queueOf) => ({ command: { kind: 'move', queue: queueOf('b'), ...why } }),
        null,
        () => ({ command: { kind: 'erase-payload', ...why } }),
      ],
    },
    {
      kind: 'change',
      changes: [
        () => ({ command: { kind: 'reschedule', runAtMs: Date.UTC(2200, 0), ...why } }),
        () => ({ command: { kind: 'edit', changes: { priority: 1 }, ...why } }),
        null,
        null,
      ],
    },
    { kind: 'expire', marked: [false, false, false, false] },
  ],
};
