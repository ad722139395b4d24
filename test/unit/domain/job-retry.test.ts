import { describe, it } from 'vitest';
import { maxRetryDelayMs } from '../../../src/domain/retry-policy.ts';
import { given, occurredAtMs } from '../../../src/testing/given-when-then.ts';
import {
  cancelledJob,
  claim,
  claimed,
  completedJob,
  crashed,
  dead,
  deadJob,
  expired,
  fail,
  failed,
  retried,
  retry,
  revived,
  running,
  submitted,
} from './job-fixtures.ts';

const why = 'the mail server is back';
const exhausted = [submitted({ maxAttempts: 1 }), claimed(), failed(1), dead('attempts-exhausted')];

describe('retry of a dead job', () => {
  it('revives it on the same stream, with the reason', () => {
    given(deadJob)
      .when(retry(0, why), { nowMs: 5_000 })
      .then([revived(5_000, 10, why)]);
  });

  it('waits for the delay', () => {
    given(deadJob)
      .when(retry(60_000), { nowMs: 5_000 })
      .then([revived(65_000, 10)]);
  });

  it('grants one more attempt where all were used', () => {
    given(exhausted)
      .when(retry(), { nowMs: 5_000 })
      .then([revived(5_000, 2)]);
  });

  it('lets it be claimed as the next attempt, not as the first', () => {
    given([...exhausted, revived(occurredAtMs(5), 2)])
      .when(claim('token-2'))
      .then([claimed(2, 'token-2')]);
  });

  it('makes it dead again when the one more attempt fails', () => {
    given([...exhausted, revived(0, 2), claimed(2)])
      .when(fail())
      .then([failed(2), dead('attempts-exhausted')]);
  });

  it('grows the attempts every time', () => {
    const twice = [...exhausted, revived(0, 2), claimed(2), failed(2), dead('attempts-exhausted')];
    given(twice)
      .when(retry(), { nowMs: 5_000 })
      .then([revived(5_000, 3)]);
  });

  it('revives one that crashed its workers, its attempts unburnt', () => {
    const lapses = Array.from({ length: 5 }, () => [claimed(), crashed]).flat();
    given([...running, expired, ...lapses, dead('crashes-its-worker')])
      .when(retry(), { nowMs: 5_000 })
      .then([revived(5_000, 10)]);
  });

  it('is refused for a completed or cancelled job', () => {
    given(completedJob).when(retry()).thenRejected('illegal-transition');
    given(cancelledJob).when(retry()).thenRejected('illegal-transition');
  });
});

describe('retry of a waiting job', () => {
  it('brings a retrying job forward, with the reason, and revives nothing', () => {
    given([...running, failed(1), retried(occurredAtMs(999))])
      .when(retry(0, why), { nowMs: 5_000 })
      .then([retried(5_000, why)]);
  });

  it('brings a scheduled job forward', () => {
    given([submitted({ delayMs: 3_600_000 })])
      .when(retry(250, why), { nowMs: 5_000 })
      .then([retried(5_250, why)]);
  });

  it('needs no reason, and says that none was given', () => {
    given([submitted({ delayMs: 3_600_000 })])
      .when(retry(), { nowMs: 5_000 })
      .then([retried(5_000, null)]);
  });

  it('is refused while the job runs', () => {
    given(running).when(retry()).thenRejected('illegal-transition');
  });
});

describe('the delay of a retry', () => {
  it.each([
    [Number.NaN, 0],
    [-1, 0],
    [1.6, 2],
    [Infinity, maxRetryDelayMs],
  ])('of %d ms is one of %d', (asked, delayMs) => {
    const runAtMs = 5_000 + delayMs;
    given([submitted()])
      .when(retry(asked), { nowMs: 5_000 })
      .then([retried(runAtMs, null)]);
    given(deadJob)
      .when(retry(asked), { nowMs: 5_000 })
      .then([revived(runAtMs, 10)]);
  });
});
