import { describe, expect, it } from 'vitest';
import type { JobEvent } from '../../../src/domain/job/events.ts';
import { foldJob } from '../../../src/domain/job/evolve.ts';
import { hasEnded, type JobState, phaseOf } from '../../../src/domain/job/state.ts';
import { occurredAtMs, recordEvents } from '../../../src/testing/given-when-then.ts';
import {
  cancelledJob,
  claimed,
  completedJob,
  deadJob,
  failed,
  rescheduled,
  retried,
  revived,
  running,
  snoozed,
  submitted,
} from './job-fixtures.ts';

function stateAfter(events: readonly JobEvent[]): JobState {
  const state = foldJob(recordEvents(events));
  if (state === null) throw new Error('the job was submitted');
  return state;
}

describe('what a reader sees', () => {
  const now = occurredAtMs(100);
  const later = occurredAtMs(200);
  const phaseAt = (events: readonly JobEvent[], nowMs: number) =>
    phaseOf(stateAfter(events), nowMs);

  it('tells the three ways of waiting apart', () => {
    expect(phaseAt([submitted({ runAtMs: later })], now)).toBe('scheduled');
    expect(phaseAt([submitted({ runAtMs: later })], later)).toBe('ready');
    const failing = [...running, failed(), retried(later)];
    expect(phaseAt(failing, now)).toBe('retrying');
    expect(phaseAt(failing, later)).toBe('ready');
    expect(phaseAt([...failing, rescheduled(later)], now)).toBe('scheduled');
    expect(phaseAt([...failing, claimed(2), snoozed(later)], now)).toBe('scheduled');
    expect(phaseAt([...deadJob, revived(later, 10)], now)).toBe('scheduled');
  });

  it('shows the other states as they are', () => {
    expect(phaseAt(running, now)).toBe('running');
    expect(phaseAt(completedJob, now)).toBe('completed');
    expect(phaseAt(deadJob, now)).toBe('dead');
    expect(phaseAt(cancelledJob, now)).toBe('cancelled');
  });

  it('knows which of them are ends', () => {
    const waiting = [...running, failed(), retried(later)];
    const again = [...deadJob, revived(later, 10)];
    for (const history of [[submitted()], running, waiting, again]) {
      expect(hasEnded(stateAfter(history))).toBe(false);
    }
    for (const history of [completedJob, deadJob, cancelledJob]) {
      expect(hasEnded(stateAfter(history))).toBe(true);
    }
  });
});
