import { describe, expect, it } from 'vitest';
import type { JobEvent } from '../../../src/domain/job/events.ts';
import { foldJob } from '../../../src/domain/job/evolve.ts';
import { explainJob, type Surroundings } from '../../../src/domain/job/explain.ts';
import { occurredAtMs, recordEvents } from '../../../src/testing/given-when-then.ts';
import {
  cancelled,
  cancelledJob,
  cancelRequested,
  claimed,
  completedJob,
  dead,
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
      text: expect.stringContaining('attempt 1 of 10 (boom) and waits until'),
    });
    expect(explained([...running, snoozed(later)]).codes).toEqual(['snoozed']);
    // Who goes before it is told once it is due.
    expect(explained([submitted({ runAtMs: later })], { ahead: 3 }).codes).toEqual(['delayed']);
    expect(explained([submitted()], { ahead: null }).codes).toEqual([]);
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
    for (const sessions of [[], [{ ...worker, id: 'another' }]]) {
      expect(explained(running, { sessions }).text).toContain('does not live any more');
    }
    expect(explained(running).text).toContain(`since ${usual.show(occurredAtMs(2))}`);
  });

  it('is how it ended', () => {
    expect(explained(completedJob).codes).toEqual(['completed']);
    expect(explained(cancelledJob).codes).toEqual(['cancelled']);
    expect(explained(deadJob)).toMatchObject({
      codes: ['dead'],
      text: expect.stringContaining('of no use'),
    });
    expect(explained(deadJob).text).toContain('The last error: boom');
    expect(explained([...running, failed(), dead('attempts-exhausted')]).text).toContain(
      'all 10 attempts failed. The last error: boom',
    );
    expect(explained([...running, expired, dead('crashes-its-worker')]).text).toContain(
      'went away 5 times',
    );
    expect(explained([submitted(), cancelled('too dear')]).text).toContain('(too dear)');
    expect(explained([submitted(), claimed(), failed(), retried(0)]).codes).toEqual(['next']);
  });
});
