import { describe, expect, it } from 'vitest';
import type { JobEvent, RecordedJobEvent } from '../../../src/domain/job/events.ts';
import { evolveJob } from '../../../src/domain/job/evolve.ts';
import { whyIllegal, whyUnfinished } from '../../../src/domain/job/legality.ts';
import type { JobState } from '../../../src/domain/job/state.ts';
import { occurredAtMs, recordEvents } from '../../../src/testing/given-when-then.ts';
import * as job from './job-fixtures.ts';
import { always } from './job-walk.ts';

interface Verdict {
  readonly state: JobState | null;
  readonly last: RecordedJobEvent | null;
  readonly why: string | null;
}

/** The reason against the last of these events; those before it are folded, legal or not. */
function judge(...events: readonly JobEvent[]): Verdict {
  const recorded = recordEvents(events);
  return judgeRecorded(
    recorded.map((event, index) =>
      // A death is written together with the failure before it.
      event.type === 'JobDead'
        ? { ...event, occurredAtMs: recorded[index - 1]?.occurredAtMs ?? 0 }
        : event,
    ),
  );
}

function judgeRecorded(stream: readonly RecordedJobEvent[]): Verdict {
  let verdict: Verdict = { state: null, last: null, why: null };
  for (const event of stream) {
    const why = whyIllegal(verdict.state, verdict.last, event);
    verdict = { state: why === null ? evolveJob(verdict.state, event) : null, last: event, why };
  }
  return verdict;
}

/** Events that one decision wrote, at one time. */
function together(given: readonly JobEvent[], ...decided: readonly JobEvent[]): Verdict {
  const at = occurredAtMs(given.length + 1);
  return judgeRecorded(
    recordEvents([...given, ...decided]).map((event) =>
      event.version > given.length ? { ...event, occurredAtMs: at } : event,
    ),
  );
}

describe('whatever decideJob gives', () => {
  it('is legal, and a stream may end after each decision', () => {
    always((turns) => {
      let state: JobState | null = null;
      let last: RecordedJobEvent | null = null;
      for (const { recorded } of turns) {
        for (const event of recorded) {
          expect([event.type, whyIllegal(state, last, event)]).toEqual([event.type, null]);
          state = evolveJob(state, event);
          last = event;
        }
        if (state !== null && last !== null) expect(whyUnfinished(state, last)).toBeNull();
      }
    });
  });
});

const { running, deadJob, completedJob, cancelledJob } = job;
const requested = [...running, job.cancelRequested('why')];
const suspect = [...running, job.expired];
const due = occurredAtMs(1);
/** In its only attempt. */
const onlyAttempt = [job.submitted({ maxAttempts: 1 }), job.claimed()];
/** A suspect that took so many workers along. */
const crashes = (count: number) => [
  ...suspect,
  ...Array.from({ length: count }, (_, n) => [job.claimed(1, `crash-${n}`), job.crashed]).flat(),
];
const fifth = [...crashes(4), job.claimed(1, 'fifth')];

const illegal: readonly (readonly [string, readonly JobEvent[], RegExp])[] = [
  ['an outcome before the birth', [job.completed], /begin with JobSubmitted/],
  ['a second birth', [job.submitted(), job.submitted()], /submitted before/],
  ['an outcome without a claim', [job.submitted(), job.completed], /not claimed/],
  ['a failure without a claim', [job.submitted(), job.failed()], /not claimed/],
  ['an interruption without a claim', [job.submitted(), job.expired], /not claimed/],
  ['two claims at once', [...running, job.claimed(1, 'token-2')], /was running/],
  ['a second outcome', [...completedJob, job.completed], /is completed/],
  ['a claim of an ended job', [...cancelledJob, job.claimed()], /is cancelled/],
  ['a claim of a dead job', [...deadJob, job.claimed()], /is dead/],
  [
    'a claim before the job was due',
    [job.submitted({ runAtMs: occurredAtMs(9) }), job.claimed()],
    /not due/,
  ],
  ['a claim with another attempt', [job.submitted(), job.claimed(2)], /attempt 1/],
  ['a failure with another attempt', [...running, job.failed(2)], /attempt 1/],
  ['a claim with the token before', [...running, job.released, job.claimed()], /claim before/],
  ['a policy’s retry from nowhere', [job.submitted(), job.retried(due)], /no attempt has failed/],
  ['a revival of a job that lives', [job.submitted(), job.revived(due, 10)], /not dead/],
  ['a death from nowhere', [job.submitted(), job.dead('not-retryable')], /no attempt has failed/],
  ['a crash of a job that was no suspect', [...running, job.crashed], /no suspect/],
  [
    'a crash that was released',
    [
      ...suspect,
      job.claimed(1, 'token-2'),
      { type: 'JobInterrupted', data: { reason: 'released', crashed: true } },
    ],
    /only a lease/,
  ],
  ['a second request to cancel', [...requested, job.cancelRequested()], /requested already/],
  ['an edit while it runs', [...running, job.edited({ priority: 1 })], /was running/],
  ['an edit of nothing', [job.submitted(), job.edited({})], /nothing/],
  ['a move from elsewhere', [job.submitted(), job.moved('a'), job.moved('b')], /was in a/],
  ['a move to where it is', [job.submitted(), job.moved('default')], /already/],
  ['a plain retry of the dead', [...deadJob, job.retried(due, null)], /only an operator/],
  [
    'a revival without a reason',
    [...deadJob, { type: 'JobRetried', data: { runAtMs: due, revived: { maxAttempts: 10 } } }],
    /only an operator/,
  ],
  ['a revival with other attempts', [...deadJob, job.revived(due, 11)], /given 10/],
  ['an erasure while it runs', [...running, job.erased()], /was running/],
  ['a second erasure', [job.submitted(), job.erased(), job.erased()], /erased already/],
];

describe('an event that decideJob never gives', () => {
  it.each(illegal)('%s', (_, events, reason) => {
    expect(judge(...events.slice(0, -1)).why).toBeNull();
    expect(judge(...events).why).toMatch(reason);
  });
});

describe('a decision of two events', () => {
  // What decided it is judged in the test, not while tests are collected: mutants are not there yet.
  const second: readonly (readonly [
    name: string,
    given: readonly JobEvent[],
    decided: readonly JobEvent[],
    why: RegExp | null,
  ])[] = [
    ['a retry', running, [job.failed(), job.retried(due)], null],
    ['a death', running, [job.failed(), job.dead('not-retryable')], null],
    [
      'a death with attempts left',
      running,
      [job.failed(), job.dead('attempts-exhausted')],
      /attempts left/,
    ],
    [
      'a crash’s death of a failure',
      running,
      [job.failed(), job.dead('crashes-its-worker')],
      /did not crash/,
    ],
    [
      'a death of the last attempt',
      onlyAttempt,
      [job.failed(), job.dead('attempts-exhausted')],
      null,
    ],
    [
      'a retry after the last attempt',
      onlyAttempt,
      [job.failed(), job.retried(due)],
      /failed 1 times/,
    ],
    ['a claim after a failure', running, [job.failed(), job.claimed(2, 't')], /followed by/],
    ['a retry with a reason', running, [job.failed(), job.retried(due, 'x')], /policy/],
    [
      'a retry that revives',
      running,
      [job.failed(), { type: 'JobRetried', data: { runAtMs: due, revived: { maxAttempts: 10 } } }],
      /policy/,
    ],
    ['a cancellation asked for', requested, [job.failed(), job.cancelled('why')], null],
    [
      'a cancellation asked for without a reason',
      [...running, job.cancelRequested()],
      [job.expired, job.cancelled()],
      null,
    ],
    ['another reason', requested, [job.failed(), job.cancelled('other')], /another reason/],
    ['a retry all the same', requested, [job.failed(), job.retried(due)], /JobCancelled/],
    ['a snooze that goes on', requested, [job.snoozed(due), job.claimed(1, 'u')], /JobCancelled/],
    ['a claim after the fourth crash', crashes(4), [job.claimed(1, 'late')], null],
    ['the death of the fifth crash', fifth, [job.crashed, job.dead('crashes-its-worker')], null],
    [
      'another death of the fifth crash',
      fifth,
      [job.crashed, job.dead('not-retryable')],
      /interrupted, not failed/,
    ],
    ['a claim after the fifth crash', fifth, [job.crashed, job.claimed(1, 'v')], /JobDead/],
  ];
  it.each(second)('%s', (_, given, decided, reason) => {
    const { why } = together(given, ...decided);
    if (reason === null) expect(why).toBeNull();
    else expect(why).toMatch(reason);
  });

  it('bounds from below how many attempts an edit may leave', () => {
    const failedOnce = recordEvents([...running, job.failed(), job.retried(due)]).map((event) =>
      event.type === 'JobRetried' ? { ...event, occurredAtMs: occurredAtMs(3) } : event,
    );
    const edited = (maxAttempts: number) =>
      judgeRecorded([...failedOnce, ...recordEvents([job.edited({ maxAttempts })], 5)]).why;
    expect(edited(1)).toMatch(/had failed 1 times/);
    expect(edited(2)).toBeNull();
  });

  it('is at one time', () => {
    expect(judge(...running, job.failed(), job.retried(due)).why).toMatch(/another time/);
  });

  it('is never half there', () => {
    const { state, last } = judge(...running, job.failed());
    if (state === null || last === null) throw new Error('the failure is legal');
    expect(whyUnfinished(state, last)).toBe('JobFailed is followed by JobRetried or JobDead');
  });
});
