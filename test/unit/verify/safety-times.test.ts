import { describe, expect, it } from 'vitest';
import { claim, DAY, idOf, judge, submitted, tell, type Told } from '../../support/told-history.ts';

const created = tell('queue', 'QueueCreated', 0, { name: 'default' });
const pause = (atMs: number, recordedAtMs: number) =>
  tell('queue', 'QueuePaused', atMs, { reason: null }, recordedAtMs);
const resume = (atMs: number) => tell('queue', 'QueueResumed', atMs, { reason: null });
const submit = (stream: string, atMs: number, recordedAtMs?: number) =>
  tell(stream, 'JobSubmitted', atMs, submitted, recordedAtMs);

/** The same event, recorded with this batch. */
const recorded = (event: Told, recordedAtMs: number): Told => ({
  ...event,
  recordedAtMs: DAY + recordedAtMs,
});

const violationsOf = (...history: Told[]) =>
  judge(history).violations.map(({ rule, streamId }) => [rule, streamId]);

describe('claimed-while-paused', () => {
  const begin = [created, submit('a', 1_000), pause(2_000, 2_100)];
  const later = submit('b', 3_000, 3_100);

  it('is a claim that began after the pause was surely committed', () => {
    const late = recorded(claim('a', 3_200), 3_300);
    expect(violationsOf(...begin, later, late)).toEqual([['claimed-while-paused', idOf('a')]]);
  });

  it('is no claim that may have read the queue before', () => {
    // It began before the batch behind the pause was recorded, and was committed long after.
    const slow = recorded(claim('a', 3_099), 9_000);
    expect(violationsOf(...begin, later, slow)).toEqual([]);
  });

  it('is not decided within the batch of the pause', () => {
    const beside = recorded(claim('a', 2_090), 2_100);
    expect(violationsOf(...begin, beside, later)).toEqual([]);
  });

  it('is no claim behind the resume, whatever its time', () => {
    const after = recorded(claim('a', 4_500), 5_000);
    expect(violationsOf(...begin, later, resume(4_000), after)).toEqual([]);
  });

  it('is a claim before the resume, though its time is behind that of the resume', () => {
    // Its place in the log shows that it did not see the resume, which a long transaction held back.
    const before = recorded(claim('a', 4_500), 4_600);
    const events = [...begin, later, before, recorded(resume(4_000), 5_000)];
    expect(violationsOf(...events)).toEqual([['claimed-while-paused', idOf('a')]]);
  });

  it('is about the queue of the same tenant only', () => {
    const other = { ...recorded(claim('a', 3_200), 3_300), tenantId: 2 };
    expect(violationsOf(...begin, later, other)).toEqual([]);
  });

  it('holds again after a second pause', () => {
    const late = recorded(claim('a', 9_000), 9_100);
    const events = [...begin, later, resume(4_000), pause(5_000, 5_100), submit('c', 6_000), late];
    expect(violationsOf(...events)).toEqual([['claimed-while-paused', idOf('a')]]);
  });
});

describe('claimed-early', () => {
  const dueMs = 60_000;
  const begin = [
    created,
    tell('a', 'JobSubmitted', 1_000, { ...submitted, delayMs: dueMs - 1_000 }),
  ];

  it('is a claim whose own time lies before run-at', () => {
    expect(violationsOf(...begin, claim('a', dueMs - 1))).toEqual([['claimed-early', idOf('a')]]);
  });

  it('is a claim that says run-at, where the log went on before that time', () => {
    const masked = recorded(claim('a', dueMs), 2_000);
    const next = submit('b', 2_500, 3_000);
    expect(violationsOf(...begin, masked, next)).toEqual([['claimed-early', idOf('a')]]);
  });

  it('is such a claim at the end of the log, too', () => {
    const masked = recorded(claim('a', dueMs), 2_000);
    expect(violationsOf(...begin, masked)).toEqual([['claimed-early', idOf('a')]]);
  });

  it('is no claim at run-at to the ms', () => {
    const exact = recorded(claim('a', dueMs), dueMs - 1);
    expect(violationsOf(...begin, exact, submit('b', dueMs, dueMs))).toEqual([]);
  });
});
