import { describe, it } from 'vitest';
import { given, occurredAtMs } from '../../../src/testing/given-when-then.ts';
import {
  cancel,
  cancelled,
  cancelledJob,
  cancelRequested,
  claim,
  claimed,
  complete,
  completed,
  crashed,
  completedJob,
  deadJob,
  expire,
  expired,
  fail,
  failed,
  release,
  released,
  retried,
  running,
  snooze,
  snoozed,
  submitted,
} from './job-fixtures.ts';

const reason = 'ordered twice';

describe('cancelling a waiting job', () => {
  it('cancels it at once, with the reason', () => {
    given([submitted()])
      .when(cancel(reason))
      .then([cancelled(reason)]);
  });

  it('needs no reason', () => {
    given([submitted()])
      .when(cancel())
      .then([cancelled(null)]);
  });

  it('does not wait for its run-at', () => {
    given([submitted({ runAtMs: occurredAtMs(1_000) })])
      .when(cancel())
      .then([cancelled()]);
  });

  it('cancels one that is retrying', () => {
    given([...running, failed(1), retried(occurredAtMs(99))])
      .when(cancel())
      .then([cancelled()]);
  });

  it('keeps it from ever being claimed', () => {
    given(cancelledJob).when(claim()).thenRejected('illegal-transition');
  });
});

describe('cancelling an ended job', () => {
  it('is refused, whatever the end was', () => {
    given(completedJob).when(cancel()).thenRejected('illegal-transition');
    given(deadJob).when(cancel()).thenRejected('illegal-transition');
    given(cancelledJob).when(cancel()).thenRejected('illegal-transition');
  });
});

describe('cancelling a running job', () => {
  const asked = [...running, cancelRequested(reason)];

  it('records the wish and leaves the claim alone', () => {
    given(running)
      .when(cancel(reason))
      .then([cancelRequested(reason)]);
  });

  it('is recorded already the second time', () => {
    given(asked).when(cancel('another reason')).thenRejected('already-recorded');
  });

  it('completes it when it completes', () => {
    given(asked).when(complete()).then([completed]);
  });

  it('cancels it when it fails, with the reason of the wish', () => {
    given(asked)
      .when(fail())
      .then([failed(1), cancelled(reason)]);
  });

  it('cancels it also where the failure would have made it dead', () => {
    given([submitted({ maxAttempts: 1 }), claimed(), cancelRequested(reason)])
      .when(fail())
      .then([failed(1), cancelled(reason)]);
    given(asked)
      .when(fail({ retryable: false }))
      .then([failed(1), cancelled(reason)]);
  });

  it('cancels it when it snoozes', () => {
    given(asked)
      .when(snooze(60_000), { nowMs: 1_000 })
      .then([snoozed(61_000), cancelled(reason)]);
  });

  it('cancels it when its worker releases it', () => {
    given(asked)
      .when(release())
      .then([released, cancelled(reason)]);
  });

  it('cancels it when its lease expires', () => {
    given(asked)
      .when(expire(true))
      .then([expired, cancelled(reason)]);
  });

  it('cancels it also where the crash would have made it dead', () => {
    const lapse = [claimed(), crashed];
    const fourCrashes = [...running, expired, ...lapse, ...lapse, ...lapse, ...lapse];
    given([...fourCrashes, claimed(), cancelRequested(reason)])
      .when(expire(true))
      .then([crashed, cancelled(reason)]);
  });

  it('forgets nothing of a wish without a reason', () => {
    given([...running, cancelRequested(null)])
      .when(fail())
      .then([failed(1), cancelled(null)]);
  });
});
