import fc from 'fast-check';
import type { JobCommand } from '../../../src/domain/job/commands.ts';
import type { RetryPolicy } from '../../../src/domain/retry-policy.ts';
import { occurredAtMs } from '../../../src/testing/given-when-then.ts';
import { boom, claim, expire, job } from './job-fixtures.ts';

/** One command of a random walk. Placeholders in it are filled in when its turn comes. */
export interface Step {
  /** How the clock moves before it; may be negative. */
  readonly advanceMs: number;
  readonly random: number;
  readonly command: JobCommand;
}

/** Placeholders of lease tokens: of the present claim, of some claim before, of none. */
const tokens = ['@present', '@earlier', '@foreign'] as const;

const reason = fc.constantFrom(null, 'asked for');
const delayMs = fc.oneof(fc.constant(0), fc.nat(10_000), fc.nat(86_400_000));
/** What a handler or an operator may ask for: not always a delay. */
const askedDelayMs = fc.oneof(
  { weight: 9, arbitrary: delayMs },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, -5_000, 0.5, -0) },
);
const leaseToken = fc.oneof(
  { weight: 4, arbitrary: fc.constant(tokens[0]) },
  { weight: 1, arbitrary: fc.constantFrom(...tokens) },
);

const policy: fc.Arbitrary<RetryPolicy> = fc.oneof(
  fc.record({ kind: fc.constant('fixed' as const), delayMs, jitter: fc.constant(0.5) }),
  fc.constant({ kind: 'custom' as const }),
);

const changes = fc.record(
  {
    priority: fc.integer({ min: 0, max: 9 }),
    maxAttempts: fc.nat(5),
    retryPolicy: policy,
    timeoutMs: fc.option(fc.nat()),
    tags: fc.array(fc.string(), { maxLength: 2 }),
    payloadHash: fc.constantFrom('b'.repeat(64), 'c'.repeat(64)),
  },
  { requiredKeys: [] },
);

/** Each claim is given a token of its own when its turn comes. */
const freshClaim = claim('@fresh');

const kind = <K extends JobCommand['kind']>(name: K) => fc.constant(name);

const submission = fc.record({
  kind: kind('submit'),
  queue: fc.constantFrom('default', 'slow'),
  job: fc
    .record(
      { maxAttempts: fc.integer({ min: 1, max: 4 }), delayMs },
      { requiredKeys: ['maxAttempts'] },
    )
    .map((chosen) => ({ ...job, ...chosen })),
});

/** Every command there is; those that lead on are likelier, so that walks come far. */
const anyCommand: fc.Arbitrary<JobCommand> = fc.oneof(
  { weight: 10, arbitrary: fc.constant(freshClaim) },
  { weight: 2, arbitrary: fc.record({ kind: kind('complete'), leaseToken }) },
  {
    weight: 5,
    arbitrary: fc.record(
      {
        kind: kind('fail'),
        leaseToken,
        error: fc.constant(boom),
        retryable: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, fc.boolean()),
        delayMs: askedDelayMs,
        fallbackPolicy: policy,
      },
      { requiredKeys: ['kind', 'leaseToken', 'error', 'retryable'] },
    ),
  },
  { weight: 3, arbitrary: fc.record({ kind: kind('snooze'), leaseToken, delayMs: askedDelayMs }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('release'), leaseToken }) },
  { weight: 8, arbitrary: fc.record({ kind: kind('expire'), startMarked: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('cancel'), reason }) },
  { weight: 5, arbitrary: fc.record({ kind: kind('retry'), reason, delayMs: askedDelayMs }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: kind('reschedule'),
      runAtMs: fc.nat(86_400_000).map((ms) => occurredAtMs(1) + ms),
      reason,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('edit'), changes, reason }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: kind('move'), queue: fc.constantFrom('default', 'slow'), reason }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('erase-payload'), reason }) },
  { weight: 1, arbitrary: submission },
);

const stepParts = {
  advanceMs: fc.oneof(
    { weight: 4, arbitrary: fc.nat(5_000) },
    { weight: 4, arbitrary: fc.constant(86_400_000) },
    { weight: 1, arbitrary: fc.integer({ min: -5_000, max: -1 }) },
  ),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
};

const anyStep = fc.record({ ...stepParts, command: anyCommand });

/** A worker that dies again and again over the same job, or else anything. */
const crashingStep = fc.record({
  ...stepParts,
  command: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(freshClaim, expire(true)) },
    { weight: 1, arbitrary: anyCommand },
  ),
});

/** The steps of one job: a few before its birth, then enough for five crashes and for revivals. */
export const steps: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.array(anyStep, { maxLength: 2 }),
    fc.record({ ...stepParts, command: submission }),
    fc.oneof(
      { weight: 3, arbitrary: fc.array(anyStep, { maxLength: 80, size: 'max' }) },
      { weight: 1, arbitrary: fc.array(crashingStep, { maxLength: 80, size: 'max' }) },
    ),
  )
  // Cloned, because fc.record may make objects without a prototype, which no JSON gives back.
  .map(([before, birth, after]) => structuredClone([...before, birth, ...after]));
