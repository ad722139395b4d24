import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventTypeCodes } from '../../../src/domain/event-types.ts';
import type { JobEventType, RecordedJobEvent } from '../../../src/domain/job/events.ts';
import { hasEnded, type JobStatus, maxCrashes } from '../../../src/domain/job/state.ts';
import { steps } from './job-steps.ts';
import { always, statesOf, streamOf, walk } from './job-walk.ts';

type Status = JobStatus | 'unborn';

/** Which way each event may lead. An ending of a claim waits until the event after it decides. */
const edges: Readonly<Record<JobEventType, readonly `${Status} -> ${JobStatus}`[]>> = {
  JobSubmitted: ['unborn -> waiting'],
  JobClaimed: ['waiting -> running'],
  JobCompleted: ['running -> completed'],
  JobFailed: ['running -> waiting'],
  JobSnoozed: ['running -> waiting'],
  JobInterrupted: ['running -> waiting'],
  JobRetried: ['waiting -> waiting', 'dead -> waiting'],
  JobDead: ['waiting -> dead'],
  JobCancelled: ['waiting -> cancelled'],
  JobCancelRequested: ['running -> running'],
  JobRescheduled: ['waiting -> waiting'],
  JobEdited: ['waiting -> waiting'],
  JobMoved: ['waiting -> waiting'],
  PayloadErased: [
    'waiting -> waiting',
    'completed -> completed',
    'dead -> dead',
    'cancelled -> cancelled',
  ],
};

const outcomeEvents = new Set<string>([
  'JobCompleted',
  'JobFailed',
  'JobSnoozed',
  'JobInterrupted',
]);
const outcomeCommands = new Set<string>(['complete', 'fail', 'snooze', 'release', 'expire']);

describe('a random walk', () => {
  it('meets every event, end and rejection, so that what follows says something', () => {
    const met = new Set<string>();
    for (const walked of fc.sample(steps, { numRuns: 1_000, seed: 42 })) {
      for (const { decision, recorded, after } of walk(walked)) {
        if (decision.rejection) met.add(decision.rejection.code);
        if (after?.deadReason) met.add(after.deadReason);
        for (const event of recorded) {
          met.add(event.type);
          if (event.type === 'JobRetried' && event.data.revived) met.add('revived');
        }
      }
    }
    const jobEvents = Object.keys(eventTypeCodes).filter((type) => !type.startsWith('Queue'));
    const rejections = ['job-not-found', 'illegal-transition', 'lease-lost', 'already-recorded'];
    const ends = ['attempts-exhausted', 'not-retryable', 'crashes-its-worker', 'revived'];
    expect([...met].toSorted()).toStrictEqual([...jobEvents, ...rejections, ...ends].toSorted());
  });

  it('writes versions 1 to n, with no gap', () => {
    always((turns) => {
      const versions = streamOf(turns).map((event) => event.version);
      expect(versions).toStrictEqual(versions.map((_, index) => index + 1));
      expect(turns.at(-1)?.after?.version).toBe(versions.length);
    });
  });

  it('moves along the allowed edges only', () => {
    always((turns) => {
      const stream = streamOf(turns);
      let from: Status = 'unborn';
      for (const [index, state] of statesOf(stream).entries()) {
        const { type } = stream[index] as RecordedJobEvent;
        expect(edges[type]).toContain(`${from} -> ${state.status}`);
        from = state.status;
      }
    });
  });

  it('ends a claim in one decision: what a failure leads to stands right behind it', () => {
    const alone = Object.keys(edges).filter((type) => type !== 'JobFailed' && type !== 'JobDead');
    const decisions = new Set([
      ...alone,
      'JobFailed JobRetried',
      'JobFailed JobDead',
      'JobFailed JobCancelled',
      'JobSnoozed JobCancelled',
      'JobInterrupted JobDead',
      'JobInterrupted JobCancelled',
    ]);
    always((turns) => {
      for (const { recorded } of turns.filter((turn) => turn.recorded.length > 0)) {
        expect(decisions).toContain(recorded.map((event) => event.type).join(' '));
      }
    });
  });

  it('holds a lease exactly while it runs, and has an end exactly when it has ended', () => {
    always((turns) => {
      for (const { after: state, recorded } of turns) {
        if (state === null || recorded.length === 0) continue;
        expect(state.lease !== null).toBe(state.status === 'running');
        expect(state.endedAtMs !== null).toBe(hasEnded(state));
        expect(state.deadReason !== null).toBe(state.status === 'dead');
        expect(state.cancelRequested === null || state.status === 'running').toBe(true);
        expect(Number.isInteger(state.runAtMs)).toBe(true);
      }
    });
  });

  it('is claimed exactly when it waits and is due', () => {
    always((turns) => {
      for (const { command, before, nowMs, decision } of turns) {
        if (command.kind !== 'claim') continue;
        const due = before?.status === 'waiting' && before.runAtMs <= nowMs;
        expect(decision.events !== undefined).toBe(due);
      }
    });
  });
});

describe('attempts', () => {
  it('never fail more often than the job may', () => {
    always((turns) => {
      const stream = streamOf(turns);
      let failures = 0;
      for (const [index, state] of statesOf(stream).entries()) {
        if (stream[index]?.type === 'JobFailed') failures += 1;
        expect(state.failures).toBe(failures);
        expect(state.failures).toBeLessThanOrEqual(state.maxAttempts);
        expect(state.crashes).toBeLessThanOrEqual(maxCrashes);
      }
    });
  });

  it('are left to a job that is not at its end', () => {
    always((turns) => {
      for (const { after } of turns) {
        if (after === null || hasEnded(after)) continue;
        expect(after.failures).toBeLessThan(after.maxAttempts);
      }
    });
  });

  it('have at most one recorded outcome per lease token, and only that of the token', () => {
    always((turns) => {
      const outcomes = new Map<string, number>();
      let claim: string | undefined;
      for (const { command, recorded } of turns) {
        for (const event of recorded) {
          if (event.type === 'JobClaimed') claim = event.data.leaseToken;
          if (!outcomeEvents.has(event.type)) continue;
          expect(outcomeCommands.has(command.kind)).toBe(true);
          if ('leaseToken' in command) expect(command.leaseToken).toBe(claim);
          outcomes.set(claim ?? '', (outcomes.get(claim ?? '') ?? 0) + 1);
        }
      }
      expect([...outcomes.values()].filter((count) => count !== 1)).toStrictEqual([]);
      expect(outcomes.has('')).toBe(false);
    });
  });

  it('are numbered by the failures before them', () => {
    always((turns) => {
      for (const { before, recorded } of turns) {
        for (const event of recorded) {
          if (event.type !== 'JobClaimed' && event.type !== 'JobFailed') continue;
          expect(event.data.attempt).toBe((before?.failures ?? 0) + 1);
        }
      }
    });
  });
});

describe('crashes', () => {
  it('are counted from the last orderly end or revival, and the fifth makes the job dead', () => {
    always((turns) => {
      let suspect = false;
      let crashes = 0;
      for (const { recorded, after } of turns) {
        const types = recorded.map((event) => event.type);
        const [first] = recorded;
        if (first?.type === 'JobInterrupted') {
          const crashed = first.data.crashed === true;
          expect(crashed && !suspect).toBe(false);
          if (crashed) crashes += 1;
          if (first.data.reason === 'lease-expired') suspect = true;
          const fatal = crashed && crashes === maxCrashes;
          expect(fatal).toBe(types[1] === 'JobDead' || (fatal && types[1] === 'JobCancelled'));
        }
        const orderly = first?.type === 'JobFailed' || first?.type === 'JobSnoozed';
        if (orderly || (first?.type === 'JobRetried' && first.data.revived)) {
          suspect = false;
          crashes = 0;
        }
        if (after !== null) expect(after).toMatchObject({ suspect, crashes });
      }
    });
  });
});

describe('a retry', () => {
  it('has a reason, if only null, exactly when an operator asked for it', () => {
    always((turns) => {
      for (const { command, before, recorded } of turns) {
        for (const event of recorded) {
          if (event.type !== 'JobRetried') continue;
          const asked = command.kind === 'retry';
          expect('reason' in event.data).toBe(asked);
          if (asked) expect(event.data.reason).toBe(command.reason);
          expect('revived' in event.data).toBe(asked && before?.status === 'dead');
        }
      }
    });
  });
});

describe('an end', () => {
  it('is final when the job completed or was cancelled', () => {
    always((turns) => {
      const types = streamOf(turns).map((event) => event.type);
      const end = types.findIndex((type) => type === 'JobCompleted' || type === 'JobCancelled');
      if (end === -1) return;
      expect(types.slice(end + 1).filter((type) => type !== 'PayloadErased')).toStrictEqual([]);
    });
  });

  it('accepts nothing but the retry of a dead job, and erasing the payload', () => {
    always((turns) => {
      for (const { command, before, decision } of turns) {
        if (before === null || !hasEnded(before)) continue;
        const retried = command.kind === 'retry' && before.status === 'dead';
        const erased = command.kind === 'erase-payload' && !before.payloadErased;
        expect(decision.events !== undefined).toBe(retried || erased);
      }
    });
  });
});
