import { describe, expect, it } from 'vitest';
import type { JobEvent } from '../../../src/domain/job/events.ts';
import { foldJob } from '../../../src/domain/job/evolve.ts';
import { explainJob, type Surroundings } from '../../../src/domain/job/explain.ts';
import { occurredAtMs, recordEvents } from '../../../src/testing/given-when-then.ts';
import {
  cancelledJob,
  cancelRequested,
  claimed,
  completedJob,
  deadJob,
  expired,
  failed,
  retried,
  running,
  session,
  snoozed,
  submitted,
} from './job-fixtures.ts';

const worker = {
  id: session,
  name: 'w:1',
  host: 'h',
  queues: ['default'],
  types: [],
  lastBeatAtMs: occurredAtMs(1),
};
const usual: Surroundings = {
  nowMs: occurredAtMs(1) + 3_000,
  show: (ms) => new Date(ms).toISOString(),
  queuePaused: false,
  sessions: [worker],
  ahead: 0,
  aheadLimit: 1_000,
};

/** The codes, and all sentences in one. */
function explained(events: readonly JobEvent[], around: Partial<Surroundings> = {}) {
  const state = foldJob(recordEvents(events));
  if (state === null) throw new Error('a history begins with a birth');
  const found = explainJob(state, { ...usual, ...around });
  return { codes: found.map(({ code }) => code), text: found.map(({ text }) => text).join(' ') };
}

describe('why a waiting job waits', () => {
  it('is that it is next, where nothing holds it up', () => {
    expect(explained([submitted()]).codes).toEqual(['next']);
  });

  it('is its time, told from a retry and a snooze', () => {
    const later = usual.nowMs + 35 * 60_000;
    expect(explained([submitted({ runAtMs: later })])).toMatchObject({
      codes: ['delayed'],
      text: expect.stringContaining('for another 35 min'),
    });
    expect(explained([...running, failed(), retried(later)])).toMatchObject({
      codes: ['retrying'],
      text: expect.stringContaining('attempt 1 of'),
    });
    expect(explained([...running, snoozed(later)]).codes).toEqual(['snoozed']);
  });

  it('is a paused queue, or that no worker takes its type from its queue', () => {
    expect(explained([submitted()], { queuePaused: true }).codes).toEqual(['queue-paused']);
    expect(explained([submitted()], { sessions: [] }).codes).toEqual(['no-worker']);
    for (const other of [{ queues: ['q'] }, { types: ['other'] }]) {
      expect(explained([submitted()], { sessions: [{ ...worker, ...other }] }).codes).toEqual([
        'no-worker',
      ]);
    }
  });

  it('is that others go first, as far as they were counted', () => {
    expect(explained([submitted()], { ahead: 1 })).toEqual({
      codes: ['behind'],
      text: 'One job goes before it.',
    });
    expect(explained([submitted()], { ahead: 17 }).text).toBe('17 jobs go before it.');
    expect(explained([submitted()], { ahead: 1_000 }).text).toBe('1000 or more jobs go before it.');
  });

  it('is suspicion, and several reasons are all told', () => {
    const { codes } = explained([...running, expired], { queuePaused: true, ahead: 3 });
    expect(codes).toEqual(['queue-paused', 'suspect', 'behind']);
  });
});

describe('why any other job is where it is', () => {
  it('is the worker that runs it, and a wish to cancel', () => {
    expect(explained(running)).toMatchObject({
      codes: ['running'],
      text: expect.stringContaining('in the worker "w:1", which last beat 3 s ago'),
    });
    expect(explained([...running, cancelRequested('too dear')])).toMatchObject({
      codes: ['running', 'cancel-requested'],
      text: expect.stringContaining('(too dear)'),
    });
    expect(explained(running, { sessions: [] }).text).toContain('does not live any more');
  });

  it('is how it ended', () => {
    expect(explained(completedJob).codes).toEqual(['completed']);
    expect(explained(cancelledJob).codes).toEqual(['cancelled']);
    expect(explained(deadJob)).toMatchObject({
      codes: ['dead'],
      text: expect.stringContaining('of no use'),
    });
    expect(explained([submitted(), claimed(), failed(), retried(0)]).codes).toEqual(['next']);
  });
});
