import { describe, expect, it } from 'vitest';
import type { JobEvent } from '../../../src/domain/job/events.ts';
import { foldJob } from '../../../src/domain/job/evolve.ts';
import { maxCrashes } from '../../../src/domain/job/state.ts';
import { given, occurredAtMs, recordEvents } from '../../../src/testing/given-when-then.ts';
import {
  claim,
  claimed,
  completedJob,
  crashed,
  dead,
  deadJob,
  expire,
  expired,
  failed,
  release,
  released,
  retried,
  revived,
  running,
  snoozed,
  submitted,
} from './job-fixtures.ts';

/** A suspect that runs again, after this many lapses that counted. */
function suspectWith(crashes: number): JobEvent[] {
  const lapses = Array.from({ length: crashes }, () => [claimed(), crashed]).flat();
  return [...running, expired, ...lapses, claimed()];
}

describe('release', () => {
  it('interrupts the job', () => {
    given(running).when(release()).then([released]);
  });

  it('makes it ready at that moment, and burns no attempt', () => {
    const back = [submitted({ maxAttempts: 1 }), claimed(), released];
    given(back)
      .when(claim('token-2'), { nowMs: occurredAtMs(3) })
      .then([claimed(1, 'token-2')]);
    given(back)
      .when(claim('token-2'), { nowMs: occurredAtMs(3) - 1 })
      .thenRejected('illegal-transition');
  });

  it('makes no suspect', () => {
    given([...running, released, claimed()])
      .when(expire(true))
      .then([expired]);
  });

  it('does not clear one, nor forgets its crashes', () => {
    given([...running, expired, claimed(), released, claimed()])
      .when(expire(true))
      .then([crashed]);
    given([...suspectWith(4), released, claimed()])
      .when(expire(true))
      .then([crashed, dead('crashes-its-worker')]);
  });
});

describe('expiry', () => {
  it('interrupts the job and burns no attempt', () => {
    given(running).when(expire(false)).then([expired]);
    given([submitted({ maxAttempts: 1 }), claimed(), expired])
      .when(claim('token-2'))
      .then([claimed(1, 'token-2')]);
  });

  it('only makes a suspect the first time, even after a marked start', () => {
    given(running).when(expire(true)).then([expired]);
  });

  it('counts a suspect that had marked its start', () => {
    given(suspectWith(0)).when(expire(true)).then([crashed]);
  });

  it('does not count a suspect that had not: it was an innocent in the batch', () => {
    given(suspectWith(0)).when(expire(false)).then([expired]);
    given(suspectWith(4)).when(expire(false)).then([expired]);
  });

  it('never makes a job dead that did not start, however often', () => {
    const lapses = Array.from({ length: 50 }, () => [claimed(), expired]).flat();
    given([submitted(), ...lapses, claimed()])
      .when(expire(false))
      .then([expired]);
  });

  it('makes the job dead at five marked starts', () => {
    expect(maxCrashes).toBe(5);
    given(suspectWith(3)).when(expire(true)).then([crashed]);
    given(suspectWith(4))
      .when(expire(true))
      .then([crashed, dead('crashes-its-worker')]);
  });

  it('goes on counting over lapses that did not count', () => {
    const innocent = [expired, claimed()];
    const lapse = [crashed, claimed()];
    given([...suspectWith(2), ...innocent, ...lapse, ...innocent])
      .when(expire(true))
      .then([crashed]);
    given([...suspectWith(2), ...innocent, ...lapse, ...innocent, ...lapse])
      .when(expire(true))
      .then([crashed, dead('crashes-its-worker')]);
  });

  // An orderly end shows that the job can run without killing its worker.
  it.each([
    ['a failure', [failed(1), retried(0), claimed(2)]],
    ['a snooze', [snoozed(0), claimed()]],
  ])('starts counting anew after %s: it clears the suspect', (_what, orderly) => {
    const cleared = [...suspectWith(4), ...orderly];
    const again = orderly.slice(-1);
    given(cleared).when(expire(true)).then([expired]);
    const lapse = [crashed, ...again];
    const thrice = [...cleared, expired, ...again, ...lapse, ...lapse, ...lapse];
    given(thrice).when(expire(true)).then([crashed]);
    given([...thrice, ...lapse])
      .when(expire(true))
      .then([crashed, dead('crashes-its-worker')]);
  });

  it('starts counting anew once an operator has revived the job', () => {
    const again = [...suspectWith(4), crashed, dead('crashes-its-worker'), revived(0, 10)];
    given([...again, claimed()])
      .when(expire(true))
      .then([expired]);
    given([...again, claimed(), expired, claimed()])
      .when(expire(true))
      .then([crashed]);
  });

  it('is refused for a job that does not run', () => {
    given([submitted()]).when(expire(true)).thenRejected('illegal-transition');
    given(completedJob).when(expire(true)).thenRejected('illegal-transition');
    given(deadJob).when(expire(true)).thenRejected('illegal-transition');
  });
});

describe('the state after interruptions', () => {
  it('tells suspects and their crashes', () => {
    const once = foldJob(recordEvents([...running, expired]));
    expect(once).toMatchObject({ suspect: true, crashes: 0, status: 'waiting', lease: null });
    const thrice = foldJob(recordEvents(suspectWith(3)));
    expect(thrice).toMatchObject({ suspect: true, crashes: 3, status: 'running', failures: 0 });
    const orderly = foldJob(recordEvents([...suspectWith(3), failed(1)]));
    expect(orderly).toMatchObject({ suspect: false, crashes: 0, failures: 1 });
    const innocent = foldJob(recordEvents([...running, released]));
    expect(innocent).toMatchObject({ suspect: false, crashes: 0, status: 'waiting', lease: null });
  });
});
