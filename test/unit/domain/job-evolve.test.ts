import { describe, expect, it } from 'vitest';
import type { JobChanges, JobEvent } from '../../../src/domain/job/events.ts';
import { evolveJob, foldJob } from '../../../src/domain/job/evolve.ts';
import { givenStreamId, occurredAtMs, recordEvents } from '../../../src/testing/given-when-then.ts';
import {
  boom,
  cancelled,
  cancelRequested,
  claimed,
  completed,
  crashed,
  deadJob,
  edited,
  erased,
  expired,
  failed,
  job,
  moved,
  released,
  rescheduled,
  revived,
  running,
  session,
  snoozed,
  submitted,
  token,
} from './job-fixtures.ts';

const fold = (...events: readonly JobEvent[]) => foldJob(recordEvents(events));

describe('the fold of a stream', () => {
  it('is null for a job that was never submitted', () => {
    expect(foldJob([])).toBeNull();
  });

  it('is born waiting, with a default for all that the submission left out', () => {
    expect(fold(submitted())).toStrictEqual({
      id: givenStreamId,
      version: 1,
      queue: 'default',
      type: 'send-email',
      status: 'waiting',
      priority: 4,
      runAtMs: occurredAtMs(1),
      submittedAtMs: occurredAtMs(1),
      maxAttempts: 10,
      failures: 0,
      retryPolicy: null,
      timeoutMs: null,
      tags: [],
      uniqueKey: null,
      correlation: null,
      replayOf: null,
      payloadHash: job.payloadHash,
      payloadBytes: 17,
      payloadErased: false,
      retrying: false,
      suspect: false,
      crashes: 0,
      lease: null,
      lastOutcome: null,
      cancelRequested: null,
      startedAtMs: null,
      endedAtMs: null,
      lastError: null,
      resultHash: null,
      deadReason: null,
      cancelReason: null,
    });
  });

  it('keeps all that the submission named', () => {
    const told = {
      runAtMs: 99,
      retryPolicy: { kind: 'custom' },
      timeoutMs: 5,
      tags: ['a'],
      uniqueKey: 'k',
    } as const;
    expect(fold(submitted(told))).toMatchObject(told);
  });

  it('takes queue and correlation from the envelope of the submission', () => {
    const [birth] = recordEvents([submitted()]);
    if (birth === undefined) throw new Error('one event was recorded');
    const state = evolveJob(null, { ...birth, queue: 'slow', correlation: 'order-7' });
    expect(state).toMatchObject({ queue: 'slow', correlation: 'order-7' });
  });

  it('holds the lease while it runs, and how the claim ended afterwards', () => {
    const lease = { token, session, attempt: 1, claimedAtMs: occurredAtMs(2) };
    expect(fold(...running)).toMatchObject({ lease, startedAtMs: occurredAtMs(2) });
    const endings = [
      { event: completed, outcome: 'completed' },
      { event: failed(), outcome: 'failed' },
      { event: snoozed(0), outcome: 'snoozed' },
      { event: released, outcome: 'released' },
      { event: expired, outcome: 'expired' },
      { event: crashed, outcome: 'expired' },
    ];
    for (const { event, outcome } of endings) {
      const lastOutcome = { token, outcome };
      expect(fold(...running, event)).toMatchObject({ lease: null, lastOutcome });
    }
  });

  it('waits, as of the failure, at the version between it and what follows from it', () => {
    const between = { status: 'waiting', runAtMs: occurredAtMs(3), retrying: true, failures: 1 };
    expect(fold(...running, failed())).toMatchObject(between);
  });

  it('tells how and when the job ended', () => {
    const endedAtMs = occurredAtMs(3);
    const withResult: JobEvent = { type: 'JobCompleted', data: { resultHash: 'cafe' } };
    expect(fold(...running, withResult)).toMatchObject({ endedAtMs, resultHash: 'cafe' });
    expect(fold(...deadJob)).toMatchObject({
      status: 'dead',
      deadReason: 'not-retryable',
      lastError: boom,
      endedAtMs: occurredAtMs(4),
    });
    expect(fold(submitted(), cancelled('why'))).toMatchObject({
      status: 'cancelled',
      cancelReason: 'why',
      endedAtMs: occurredAtMs(2),
    });
  });

  it('drops the wish to cancel once the job has ended', () => {
    const asked = [...running, cancelRequested('why')];
    expect(fold(...asked)?.cancelRequested).toStrictEqual({ reason: 'why' });
    expect(fold(...asked, completed)?.cancelRequested).toBeNull();
    expect(fold(...asked, failed(), cancelled('why'))?.cancelRequested).toBeNull();
  });

  it('brings a revived job back without its end, but with its failures', () => {
    expect(fold(...deadJob, revived(77, 12))).toMatchObject({
      status: 'waiting',
      runAtMs: 77,
      maxAttempts: 12,
      failures: 1,
      lastError: boom,
      endedAtMs: null,
      deadReason: null,
      retrying: false,
    });
  });

  it('takes over what operators change', () => {
    const changes = {
      priority: 1,
      maxAttempts: 3,
      retryPolicy: { kind: 'custom' },
      timeoutMs: 9,
      tags: ['b'],
      payloadHash: 'beef',
      payloadBytes: 2,
    } as const;
    expect(fold(submitted(), edited(changes))).toMatchObject({ ...changes, version: 2 });
    expect(fold(submitted({ timeoutMs: 5 }), edited({ timeoutMs: null }))?.timeoutMs).toBeNull();
    expect(fold(submitted({ timeoutMs: 5 }), edited({ priority: 1 }))?.timeoutMs).toBe(5);
    expect(fold(submitted(), moved('slow'))?.queue).toBe('slow');
    expect(fold(submitted(), rescheduled(123))?.runAtMs).toBe(123);
    expect(fold(submitted(), erased())?.payloadErased).toBe(true);
    const renewed = edited({ payloadHash: 'beef', payloadBytes: 2 });
    expect(fold(submitted(), erased(), renewed)?.payloadErased).toBe(false);
  });
});

describe('an edit', () => {
  const birth = submitted({
    retryPolicy: { kind: 'custom' },
    timeoutMs: 5,
    tags: ['a'],
  });

  const each: readonly JobChanges[] = [
    { priority: 1 },
    { maxAttempts: 3 },
    { retryPolicy: { kind: 'fixed', delayMs: 1, jitter: 0 } },
    { timeoutMs: null },
    { tags: ['b'] },
    { payloadHash: 'beef' },
    { payloadBytes: 2 },
  ];

  it.each(each)('of %o leaves everything else as it was', (changes) => {
    expect(fold(birth, edited(changes))).toStrictEqual({ ...fold(birth, edited({})), ...changes });
  });

  it('of nothing changes nothing but the version', () => {
    expect(fold(birth, edited({}))).toStrictEqual({ ...fold(birth), version: 2 });
  });
});

describe('a stream that no job could have', () => {
  it('is refused: a second birth', () => {
    expect(() => fold(submitted(), submitted())).toThrow(/JobSubmitted at version 2.*second birth/);
  });

  it('is refused: a birth later than at version 1', () => {
    expect(() => foldJob(recordEvents([submitted()], 2))).toThrow(/corrupt/);
  });

  it('is refused: an event before the birth', () => {
    expect(() => foldJob(recordEvents([claimed()]))).toThrow(/before the birth/);
  });

  it('is refused: a gap, a repetition, a step back', () => {
    const [first, second, third] = recordEvents([submitted(), claimed(), completed]);
    if (!first || !second || !third) throw new Error('three events were recorded');
    expect(() => foldJob([first, third])).toThrow(/version 3 is a gap after 1/);
    expect(() => foldJob([first, second, second])).toThrow(/gap after 2/);
    expect(() => foldJob([first, second, third, second])).toThrow(/gap after 3/);
  });
});
