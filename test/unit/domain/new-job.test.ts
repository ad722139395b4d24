import { describe, expect, it } from 'vitest';
import { checkNewJob, isKey, jobLimits, type NewJob } from '../../../src/domain/job/new-job.ts';
import type { RetryPolicy } from '../../../src/domain/retry-policy.ts';

/** What is wrong with a job that is well but for this. */
const wrongIn = (told: Partial<NewJob>) => checkNewJob({ type: 'greet', ...told });
const pointersOf = (told: Partial<NewJob>) => wrongIn(told).map(({ pointer }) => pointer);

const day = 24 * 3_600_000;
/** 9999-12-31T23:59:59Z. */
const endOfTime = Date.UTC(9999, 11, 31, 23, 59, 59);

describe('a submission', () => {
  it('needs a type, and nothing else', () => {
    expect(wrongIn({})).toStrictEqual([]);
    expect(checkNewJob({} as NewJob).map(({ pointer }) => pointer)).toStrictEqual(['/type']);
  });

  it('may say everything', () => {
    const all: NewJob = {
      queue: 'slow',
      type: 'greet',
      payload: { name: 'Ada' },
      priority: 0,
      delayMs: 1,
      maxAttempts: 1,
      retryPolicy: { kind: 'fixed', delayMs: 5, jitter: 0 },
      timeoutMs: 1,
      tags: ['a', 'b'],
      uniqueKey: 'order-7',
      correlationId: 'order-7',
      idempotencyKey: 'order-7',
    };
    expect(checkNewJob(all)).toStrictEqual([]);
    expect(checkNewJob({ ...all, delayMs: undefined, runAtMs: 1 })).toStrictEqual([]);
  });

  it('may leave out by undefined', () => {
    const told = { queue: undefined, priority: undefined, tags: undefined, uniqueKey: undefined };
    expect(wrongIn(told)).toStrictEqual([]);
  });

  it('is told all that is wrong, in the order of its fields', () => {
    const told = {
      type: 'No',
      queue: 'No',
      priority: -1,
      maxAttempts: 0,
      timeoutMs: 0,
      delayMs: -1,
      runAtMs: -1,
      tags: [''],
      uniqueKey: '',
      correlationId: '',
      idempotencyKey: '',
    };
    expect(pointersOf(told)).toStrictEqual([
      '/type',
      '/queue',
      '/priority',
      '/maxAttempts',
      '/timeoutMs',
      '/delayMs',
      '/runAt',
      '/delayMs',
      '/tags',
      '/uniqueKey',
      '/correlationId',
      '/idempotencyKey',
    ]);
  });

  it('is a replay of a job by its id, if of any', () => {
    expect(pointersOf({ replayOf: '01890a5d-ac96-774b-bcce-b302099a8057' })).toStrictEqual([]);
    expect(wrongIn({ replayOf: 'yesterday' })).toStrictEqual([
      { pointer: '/replayOf', message: 'must be the id of a job' },
    ]);
  });

  it('cannot name both a time and a delay', () => {
    expect(wrongIn({ runAtMs: 0, delayMs: 0 })).toStrictEqual([
      { pointer: '/delayMs', message: 'must not be given together with runAt' },
    ]);
  });
});

describe('the limits of a submission', () => {
  // Literal: other processes, and the database's columns, rely on them.
  it('are these', () => {
    expect(jobLimits).toStrictEqual({
      maxAttempts: 1_000,
      timeoutMs: 7 * day,
      delayMs: 366 * day,
      latestMs: endOfTime,
      tags: 20,
      tagLength: 100,
      keyLength: 255,
      reasonLength: 500,
      payloadBytes: 1_048_576,
      batch: 10_000,
    });
  });

  it.each([
    { field: 'priority', pointer: '/priority', least: 0, most: 9 },
    { field: 'maxAttempts', pointer: '/maxAttempts', least: 1, most: 1_000 },
    { field: 'timeoutMs', pointer: '/timeoutMs', least: 1, most: 7 * day },
    { field: 'delayMs', pointer: '/delayMs', least: 0, most: 366 * day },
    { field: 'runAtMs', pointer: '/runAt', least: 0, most: endOfTime },
  ])('hold whole numbers: $field from $least to $most', ({ field, pointer, least, most }) => {
    for (const value of [least, least + 1, most - 1, most]) {
      expect(pointersOf({ [field]: value })).toStrictEqual([]);
    }
    for (const value of [least - 1, most + 1, least + 0.5, Number.NaN, Infinity, -Infinity]) {
      expect(pointersOf({ [field]: value })).toStrictEqual([pointer]);
    }
    for (const value of [`${least}`, null]) {
      expect(pointersOf({ [field]: value })).toStrictEqual([pointer]);
    }
  });

  it('are named in the message', () => {
    expect(wrongIn({ priority: 10 })[0]?.message).toBe('must be a whole number from 0 to 9');
    expect(wrongIn({ maxAttempts: 0 })[0]?.message).toBe('must be a whole number from 1 to 1000');
  });

  it('hold type and queue to what a name may be', () => {
    for (const name of ['', 'No', '.', '..', 'a b', 'x'.repeat(65)]) {
      expect(pointersOf({ type: name, queue: name })).toStrictEqual(['/type', '/queue']);
    }
    expect(pointersOf({ type: 7 } as unknown as NewJob)).toStrictEqual(['/type']);
  });

  it('hold tags to 20 of 1 to 100 printable characters', () => {
    const some = (count: number) => Array.from({ length: count }, (_, index) => `tag ${index}`);
    for (const tags of [[], some(20), ['x'.repeat(100)], ['é', '\u{1F600}'], ['a', 'a']]) {
      expect(pointersOf({ tags })).toStrictEqual([]);
    }
    const wrong = [some(21), [''], ['x'.repeat(101)], ['a\n'], ['a', '\u0000'], ['a', '\uD83D']];
    for (const tags of wrong) expect(pointersOf({ tags })).toStrictEqual(['/tags']);
  });

  it('hold each key to what a key may be', () => {
    for (const field of ['uniqueKey', 'correlationId', 'idempotencyKey']) {
      expect(pointersOf({ [field]: 'x'.repeat(255) })).toStrictEqual([]);
      expect(pointersOf({ [field]: 'x'.repeat(256) })).toStrictEqual([`/${field}`]);
      expect(pointersOf({ [field]: 'a\u0000' })).toStrictEqual([`/${field}`]);
    }
  });

  it.each([
    { kind: 'exponental', baseMs: 1_000 },
    { kind: 'exponential', baseMs: 1_000 },
    { kind: 'fixed', delayMs: '5 s', jitter: 0 },
    { kind: 'fixed', delayMs: 5_000 },
  ])('hold a retry policy to what can be computed: %j', (retryPolicy) => {
    const told = { retryPolicy: retryPolicy as unknown as RetryPolicy };
    expect(pointersOf(told)).not.toStrictEqual([]);
  });
});

describe('a key', () => {
  it.each(['a', ' ', 'x'.repeat(255), 'order 7/é', '\u{1F600}'])('may be %j', (text) => {
    expect(isKey(text)).toBe(true);
  });

  it.each(['', 'x'.repeat(256), 'a\n', '\t', '\u007F', '\u0085', '\u0000', '\uD83D', 'a\uDE00'])(
    'may not be %j',
    (text) => {
      expect(isKey(text)).toBe(false);
    },
  );
});
