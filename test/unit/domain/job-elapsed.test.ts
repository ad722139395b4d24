import { describe, expect, it } from 'vitest';
import { elapsedMs, maxElapsedMs } from '../../../src/domain/job/elapsed.ts';
import { foldJob } from '../../../src/domain/job/evolve.ts';
import { occurredAtMs, recordEvents } from '../../../src/testing/given-when-then.ts';
import { cancelRequested, running, submitted } from './job-fixtures.ts';

const due = occurredAtMs(1);
const waits = foldJob(recordEvents([submitted()]));
const runs = foldJob(recordEvents(running));
const claimedAt = occurredAtMs(2);

describe('the time beside an event', () => {
  it('is, of a claim, for how long the job had been due', () => {
    expect(elapsedMs(waits, 'JobClaimed', due + 7)).toBe(7);
  });

  it.each(['JobCompleted', 'JobFailed', 'JobInterrupted', 'JobSnoozed'] as const)(
    'is, of %s, how long the claim lasted',
    (type) => {
      expect(elapsedMs(runs, type, claimedAt + 1_234)).toBe(1_234);
    },
  );

  it('is none of any other event', () => {
    const asked = foldJob(recordEvents([...running, cancelRequested()]));
    expect(elapsedMs(asked, 'JobCancelled', claimedAt + 5)).toBeNull();
    expect(elapsedMs(null, 'JobSubmitted', due)).toBeNull();
  });

  it('is none where nobody knows since when', () => {
    expect(elapsedMs(null, 'JobClaimed', due)).toBeNull();
    expect(elapsedMs(null, 'JobCompleted', due)).toBeNull();
    expect(elapsedMs(waits, 'JobCompleted', due)).toBeNull();
  });

  it('is never below nothing, and never more than its column holds', () => {
    expect(elapsedMs(waits, 'JobClaimed', due - 5)).toBe(0);
    expect(elapsedMs(waits, 'JobClaimed', due + maxElapsedMs + 5)).toBe(maxElapsedMs);
  });
});
