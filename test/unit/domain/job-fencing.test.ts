import { describe, it } from 'vitest';
import type { JobCommand } from '../../../src/domain/job/commands.ts';
import type { JobEvent } from '../../../src/domain/job/events.ts';
import { given, occurredAtMs } from '../../../src/testing/given-when-then.ts';
import {
  cancelledJob,
  cancelRequested,
  claimed,
  complete,
  completed,
  completedJob,
  crashed,
  dead,
  erased,
  expired,
  fail,
  failed,
  release,
  released,
  retried,
  revived,
  running,
  snooze,
  snoozed,
  submitted,
  token,
} from './job-fixtures.ts';

type Outcome = 'complete' | 'fail' | 'snooze' | 'release';

const outcomes: Readonly<Record<Outcome, (leaseToken: string) => JobCommand>> = {
  complete,
  fail: (leaseToken) => fail({ leaseToken }),
  snooze: (leaseToken) => snooze(1_000, leaseToken),
  release,
};

/** How the first claim ended, by the command that ended it. */
const endedBy: Readonly<Record<Outcome, readonly JobEvent[]>> = {
  complete: [completed],
  fail: [failed(1), retried(occurredAtMs(4))],
  snooze: [snoozed(occurredAtMs(3))],
  release: [released],
};

const kinds = Object.keys(outcomes) as Outcome[];
const pairs = kinds.flatMap((ended) => kinds.map((told) => ({ ended, told })));

describe('an outcome without the present lease token', () => {
  it.each(kinds)('%s of a stranger is lost while another claim runs', (kind) => {
    given(running).when(outcomes[kind]('token-of-a-stranger')).thenRejected('lease-lost');
  });

  it.each(kinds)('%s is lost for a job that was never claimed', (kind) => {
    given([submitted()]).when(outcomes[kind](token)).thenRejected('lease-lost');
    given(cancelledJob).when(outcomes[kind](token)).thenRejected('lease-lost');
  });

  it.each(kinds)('%s of an earlier claim is lost once the job runs again', (kind) => {
    given([...running, expired, claimed(1, 'token-2')])
      .when(outcomes[kind]('token-0'))
      .thenRejected('lease-lost');
  });

  it.each(kinds)('%s is lost after the lease expired, whatever came of the job since', (kind) => {
    const late = outcomes[kind](token);
    const lapsed = [...running, expired];
    const again = [...lapsed, claimed(1, 'token-2')];
    for (const history of [lapsed, again, [...again, completed], [...again, released]]) {
      given(history).when(late).thenRejected('lease-lost');
    }
  });

  it('is lost to a release also after the crash that made the job dead', () => {
    given([...running, expired, claimed(1, 'token-2'), crashed, dead('crashes-its-worker')])
      .when(release('token-2'))
      .thenRejected('lease-lost');
  });

  it('leaves the present claim untouched', () => {
    given([...running, expired, claimed(1, 'token-2')])
      .when(complete('token-2'))
      .then([completed]);
  });

  it('is fenced by the token, not by the version: a wish to cancel ends no claim', () => {
    given([...running, cancelRequested()])
      .when(complete())
      .then([completed]);
  });
});

describe('an outcome told twice', () => {
  it.each(pairs)('$told after $ended', ({ ended, told }) => {
    // Only the very same outcome is a repetition; any other one contradicts what is recorded.
    given([...running, ...endedBy[ended]])
      .when(outcomes[told](token))
      .thenRejected(told === ended ? 'already-recorded' : 'lease-lost');
  });

  it('is recorded already while the next claim runs', () => {
    given([...running, ...endedBy.fail, claimed(2, 'token-2')])
      .when(fail())
      .thenRejected('already-recorded');
  });

  it('is recorded already for a completed job whose payload is erased since', () => {
    given([...completedJob, erased()])
      .when(complete())
      .thenRejected('already-recorded');
  });

  it('is recorded already for the failure that made the job dead, also once it is revived', () => {
    const deadNow = [...running, failed(1), dead('not-retryable')];
    given(deadNow)
      .when(fail({ retryable: false }))
      .thenRejected('already-recorded');
    given([...deadNow, revived(0, 10)])
      .when(fail({ retryable: false }))
      .thenRejected('already-recorded');
  });

  it('is known for the newest claim that ended, not for older ones', () => {
    given([...running, ...endedBy.fail, claimed(2, 'token-2'), released])
      .when(fail())
      .thenRejected('lease-lost');
  });
});
