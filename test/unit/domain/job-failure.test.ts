import { describe, it } from 'vitest';
import type { RetryPolicy } from '../../../src/domain/retry-policy.ts';
import { given, occurredAtMs } from '../../../src/testing/given-when-then.ts';
import {
  claim,
  claimed,
  dead,
  edited,
  fail,
  failed,
  retried,
  running,
  submitted,
} from './job-fixtures.ts';

const fixed: RetryPolicy = { kind: 'fixed', delayMs: 7_000, jitter: 0 };
const linear: RetryPolicy = {
  kind: 'linear',
  baseMs: 100,
  stepMs: 50,
  maxMs: 10_000,
  jitter: 0,
};
const now = { nowMs: 1_000_000 };

describe('a failure', () => {
  it('makes the job retry after a second by the default policy', () => {
    given(running)
      .when(fail(), now)
      .then([failed(1), retried(1_001_000)]);
  });

  it('doubles the delay with every failure', () => {
    const twice = [...running, failed(1), retried(0), claimed(2), failed(2), retried(0)];
    given([...twice, claimed(3)])
      .when(fail(), now)
      .then([failed(3), retried(1_004_000)]);
  });

  it('lets chance move the delay', () => {
    given(running)
      .when(fail(), { ...now, random: 0 })
      .then([failed(1), retried(1_000_900)]);
    given(running)
      .when(fail(), { ...now, random: 0.75 })
      .then([failed(1), retried(1_001_050)]);
  });

  it('waits by the policy of the job before that of the worker', () => {
    given([submitted({ retryPolicy: linear }), claimed()])
      .when(fail({ fallbackPolicy: fixed }), now)
      .then([failed(1), retried(1_000_100)]);
  });

  it('waits by the policy of the worker where the job names none', () => {
    given(running)
      .when(fail({ fallbackPolicy: fixed }), now)
      .then([failed(1), retried(1_007_000)]);
  });

  it('waits by the policy that an operator has put in', () => {
    given([submitted({ retryPolicy: linear }), edited({ retryPolicy: fixed }), claimed()])
      .when(fail(), now)
      .then([failed(1), retried(1_007_000)]);
  });

  it('lets the delay that a handler chose go before any policy, without jitter', () => {
    given([submitted({ retryPolicy: linear }), claimed()])
      .when(fail({ delayMs: 123, fallbackPolicy: fixed }), { ...now, random: 0 })
      .then([failed(1), retried(1_000_123)]);
  });

  it('waits as the worker’s own function says only where the job leaves that to it', () => {
    given(running)
      .when(fail({ fallbackDelayMs: 9 }), now)
      .then([failed(1), retried(1_000_009)]);
    given([submitted({ retryPolicy: { kind: 'custom' } }), claimed()])
      .when(fail({ fallbackDelayMs: 9 }), now)
      .then([failed(1), retried(1_000_009)]);
    given([submitted({ retryPolicy: linear }), claimed()])
      .when(fail({ fallbackDelayMs: 9 }), now)
      .then([failed(1), retried(1_000_100)]);
  });

  it('takes a chosen delay that is no number for none', () => {
    given(running)
      .when(fail({ delayMs: Number.NaN }), now)
      .then([failed(1), retried(1_000_000)]);
  });

  it('lets the job be claimed again when the delay is over, not before', () => {
    const runAtMs = occurredAtMs(9);
    const retrying = [...running, failed(1), retried(runAtMs)];
    given(retrying)
      .when(claim('token-2'), { nowMs: runAtMs - 1 })
      .thenRejected('illegal-transition');
    given(retrying)
      .when(claim('token-2'), { nowMs: runAtMs })
      .then([claimed(2, 'token-2')]);
  });
});

describe('the last failure', () => {
  it('makes the job dead when its attempts are exhausted', () => {
    given([submitted({ maxAttempts: 2 }), claimed(), failed(1), retried(0), claimed(2)])
      .when(fail())
      .then([failed(2), dead('attempts-exhausted')]);
  });

  it('is not the last but one', () => {
    given([submitted({ maxAttempts: 3 }), claimed(), failed(1), retried(0), claimed(2)])
      .when(fail(), now)
      .then([failed(2), retried(1_002_000)]);
  });

  it('is the first of a job with one attempt', () => {
    given([submitted({ maxAttempts: 1 }), claimed()])
      .when(fail())
      .then([failed(1), dead('attempts-exhausted')]);
  });

  it('makes the job dead even when the handler chose a delay', () => {
    given([submitted({ maxAttempts: 1 }), claimed()])
      .when(fail({ delayMs: 5 }))
      .then([failed(1), dead('attempts-exhausted')]);
  });

  it('moves away when an operator grants more attempts', () => {
    given([submitted({ maxAttempts: 1 }), edited({ maxAttempts: 2 }), claimed()])
      .when(fail(), now)
      .then([failed(1), retried(1_001_000)]);
  });

  it('is any that the handler calls not retryable', () => {
    given(running)
      .when(fail({ retryable: false }))
      .then([failed(1), dead('not-retryable')]);
  });

  it('says not-retryable also where the attempts are exhausted', () => {
    given([submitted({ maxAttempts: 1 }), claimed()])
      .when(fail({ retryable: false }))
      .then([failed(1), dead('not-retryable')]);
  });
});
