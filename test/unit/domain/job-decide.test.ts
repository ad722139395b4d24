import { describe, it } from 'vitest';
import { maxRetryDelayMs } from '../../../src/domain/retry-policy.ts';
import { given, occurredAtMs } from '../../../src/testing/given-when-then.ts';
import {
  claim,
  claimed,
  complete,
  completed,
  failed,
  job,
  released,
  retried,
  running,
  snooze,
  snoozed,
  submit,
  submitted,
  token,
} from './job-fixtures.ts';

describe('submit', () => {
  it('gives birth to a job, with what the submission said', () => {
    const told = { ...job, tags: ['a', 'b'], uniqueKey: 'order-7', delayMs: 5_000 };
    given([])
      .when({ kind: 'submit', queue: 'default', job: told })
      .then([{ type: 'JobSubmitted', data: told }]);
  });

  it('is recorded already for a job that was born', () => {
    given([submitted()]).when(submit).thenRejected('already-recorded');
  });

  it('must come before everything else', () => {
    given([]).when(claim()).thenRejected('job-not-found');
    given([]).when(complete()).thenRejected('job-not-found');
  });
});

describe('claim', () => {
  it('takes a job that is due, as its first attempt', () => {
    given([submitted()])
      .when(claim())
      .then([claimed(1)]);
  });

  it('takes a job in the very ms in which it becomes due', () => {
    const later = [submitted({ delayMs: 60_000 })];
    given(later)
      .when(claim(), { nowMs: occurredAtMs(1) + 60_000 })
      .then([claimed()]);
    given(later)
      .when(claim(), { nowMs: occurredAtMs(1) + 59_999 })
      .thenRejected('illegal-transition');
  });

  it('waits for a run-at that the submission named', () => {
    const runAtMs = occurredAtMs(100);
    given([submitted({ runAtMs })])
      .when(claim(), { nowMs: runAtMs - 1 })
      .thenRejected('illegal-transition');
    given([submitted({ runAtMs })])
      .when(claim(), { nowMs: runAtMs })
      .then([claimed()]);
  });

  it('lets a run-at go before a delay where both are named', () => {
    given([submitted({ runAtMs: occurredAtMs(1), delayMs: 60_000 })])
      .when(claim())
      .then([claimed()]);
  });

  it('counts the attempts that failed', () => {
    given([...running, failed(1), retried(occurredAtMs(4)), claimed(2), failed(2)])
      .when(claim('token-3'))
      .then([claimed(3, 'token-3')]);
  });

  it('gives the number of an interrupted attempt out again', () => {
    given([...running, released])
      .when(claim('token-2'))
      .then([claimed(1, 'token-2')]);
  });

  it('is refused while the job runs', () => {
    given(running).when(claim('token-2')).thenRejected('illegal-transition');
  });
});

describe('complete', () => {
  it('ends the job', () => {
    given(running).when(complete()).then([completed]);
  });

  it('records the hash and the size of a result', () => {
    given(running)
      .when({ kind: 'complete', leaseToken: token, resultHash: 'cafe', resultBytes: 12 })
      .then([{ type: 'JobCompleted', data: { resultHash: 'cafe', resultBytes: 12 } }]);
  });

  it('takes a result of unknown size for empty', () => {
    given(running)
      .when({ kind: 'complete', leaseToken: token, resultHash: 'cafe' })
      .then([{ type: 'JobCompleted', data: { resultHash: 'cafe', resultBytes: 0 } }]);
  });
});

describe('snooze', () => {
  it('makes the job wait from now on, whatever the delay', () => {
    given(running)
      .when(snooze(90_000), { nowMs: 1_000_000 })
      .then([snoozed(1_090_000)]);
  });

  it('burns no attempt, however often', () => {
    const once = [claimed(), snoozed(occurredAtMs(1))];
    given([submitted({ maxAttempts: 1 }), ...once, ...once, ...once])
      .when(claim('token-4'))
      .then([claimed(1, 'token-4')]);
  });

  it('keeps the job from being claimed until then', () => {
    const runAtMs = occurredAtMs(50);
    given([...running, snoozed(runAtMs)])
      .when(claim('token-2'), { nowMs: runAtMs - 1 })
      .thenRejected('illegal-transition');
    given([...running, snoozed(runAtMs)])
      .when(claim('token-2'), { nowMs: runAtMs })
      .then([claimed(1, 'token-2')]);
  });

  it.each([
    [Number.NaN, 0],
    [-60_000, 0],
    [0.4, 0],
    [Infinity, maxRetryDelayMs],
    [maxRetryDelayMs + 1, maxRetryDelayMs],
  ])('of %d ms is one of %d', (asked, delayMs) => {
    given(running)
      .when(snooze(asked), { nowMs: 1_000_000 })
      .then([snoozed(1_000_000 + delayMs)]);
  });
});
