import { describe, expect, it } from 'vitest';
import { jobDetailSchema, jobPhases, jobSchema } from '../../../src/api/schemas/job.ts';
import { eventView } from '../../../src/api/views/event-view.ts';
import { attemptViews, jobDetailView, newbornView } from '../../../src/api/views/job-view.ts';
import type { JobEvent, RecordedJobEvent } from '../../../src/domain/job/events.ts';
import { foldJob } from '../../../src/domain/job/evolve.ts';
import { phaseOf } from '../../../src/domain/job/state.ts';
import { maxRetryDelayMs } from '../../../src/domain/retry-policy.ts';

const id = '01a20140-a356-775a-94ad-ec0098a8355a';
const session = '01a20140-a356-775a-94ad-ec0098a83550';
const leaseToken = '97f9544f-1eea-4617-a60d-9e8b350365cb';

/** Events of one job, a second apart, from one second after the epoch. */
function stream(...told: JobEvent[]): RecordedJobEvent[] {
  return told.map((event, index) => ({
    ...event,
    streamId: id,
    version: index + 1,
    position: index === 0 ? 9_007_199_254_740_993n : null,
    epoch: 1,
    schemaVersion: 1,
    occurredAtMs: (index + 1) * 1_000,
    queue: 'q',
    jobType: 'x',
    tags: [],
    elapsedMs: null,
    actor: null,
    causation: null,
    correlation: null,
  }));
}

const birth = { type: 'x', priority: 4, maxAttempts: 3, payloadHash: 'h', payloadBytes: 4 };
const submitted: JobEvent = {
  type: 'JobSubmitted',
  data: birth,
};
const claimedAs = (attempt: number): JobEvent => ({
  type: 'JobClaimed',
  data: { attempt, session, leaseToken },
});
const error = { name: 'E', message: 'm' };

describe('a job', () => {
  it('fits its schema in every state', () => {
    const events = stream(
      submitted,
      claimedAs(1),
      { type: 'JobFailed', data: { attempt: 1, error } },
      { type: 'JobRetried', data: { runAtMs: maxRetryDelayMs } },
      claimedAs(2),
      { type: 'JobCancelRequested', data: { reason: 'r' } },
      { type: 'JobInterrupted', data: { reason: 'lease-expired' } },
      { type: 'JobCancelled', data: { reason: 'r' } },
    );
    for (let length = 1; length <= events.length; length += 1) {
      const state = foldJob(events.slice(0, length));
      if (state === null) throw new Error('a stream that begins with a birth has a state');
      const snapshot = {
        state,
        phase: phaseOf(state, 10_000),
        asOf: null,
        payload: null,
        result: null,
        progress: null,
        events: events.slice(0, length),
        token: `1.${id}.${length}`,
      };
      const view = jobDetailView(snapshot);
      expect(jobDetailSchema.parse(view)).toEqual(view);
      expect(JSON.stringify(view)).not.toContain(leaseToken);
    }
  });

  it('just submitted is what it was at that moment', () => {
    const later = foldJob(stream({ type: 'JobSubmitted', data: { ...birth, delayMs: 5 } }));
    const now = foldJob(stream(submitted));
    if (later === null || now === null) throw new Error('both were born');
    expect(newbornView(now)).toMatchObject({ state: 'ready', runAt: '1970-01-01T00:00:01.000Z' });
    expect(newbornView(later)).toMatchObject({
      state: 'scheduled',
      runAt: '1970-01-01T00:00:01.005Z',
    });
    expect(jobSchema.parse(newbornView(now))).toEqual(newbornView(now));
  });

  it('is in one of the phases that the domain knows', () => {
    const statuses = ['waiting', 'running', 'completed', 'dead', 'cancelled'] as const;
    const phases = statuses.flatMap((status) =>
      [true, false].flatMap((retrying) =>
        [0, 2].map((runAtMs) => phaseOf({ status, retrying, runAtMs }, 1)),
      ),
    );
    expect([...new Set(phases)].toSorted()).toEqual([...jobPhases].toSorted());
  });
});

describe('attempts', () => {
  it('are the claims of a job, each with how it ended', () => {
    const events = stream(
      submitted,
      claimedAs(1),
      { type: 'JobFailed', data: { attempt: 1, error } },
      { type: 'JobRetried', data: { runAtMs: 3_000 } },
      claimedAs(2),
      { type: 'JobSnoozed', data: { runAtMs: 6_000 } },
      claimedAs(2),
      { type: 'JobInterrupted', data: { reason: 'released' } },
      claimedAs(2),
    );
    expect(attemptViews(events)).toMatchObject([
      { attempt: 1, outcome: 'failed', error, startedAt: '1970-01-01T00:00:02.000Z' },
      { attempt: 2, outcome: 'snoozed', error: null, endedAt: '1970-01-01T00:00:06.000Z' },
      { attempt: 2, outcome: 'interrupted', error: null },
      { attempt: 2, outcome: 'running', endedAt: null },
    ]);
    expect(attemptViews(stream(submitted))).toEqual([]);
  });
});

describe('an event', () => {
  it('keeps every digit of its position, and nothing of its lease token', () => {
    const [first, second] = stream(submitted, claimedAs(1)).map(eventView);
    expect(first?.position).toBe('9007199254740993');
    expect(second?.position).toBeNull();
    expect(second?.data).toEqual({ attempt: 1, session });
  });
});
