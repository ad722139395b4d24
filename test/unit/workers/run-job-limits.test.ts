import { describe, expect, it, vi } from 'vitest';
import { NotRetryableError, snooze } from '../../../src/workers/definitions/control-flow.ts';
import type { CustomRetry } from '../../../src/workers/definitions/define-job.ts';
import { type AbortReason, createJobAbort, JobAborted } from '../../../src/workers/job-context.ts';
import { deaf, graceMs, heeding, run, soFar, start, timeoutMs } from './run.ts';

const timedOut = {
  kind: 'fail',
  retryable: true,
  error: { name: 'handler-timeout', message: `The handler took over ${timeoutMs} ms.` },
};

/** A handler that throws the reason of its abort, as `fetch` and friends do. */
const obedient = heeding((reason) => {
  throw reason;
});

describe('a handler that takes too long', () => {
  it('is asked to stop when its time is over, not before', () => {
    const { abort, clock } = start({ handler: deaf });
    clock.advance(timeoutMs - 1);
    expect(abort.signal.aborted).toBe(false);
    clock.advance(1);
    expect(abort.signal.reason).toBeInstanceOf(JobAborted);
    expect(abort.signal.reason).toMatchObject({ reason: 'timeout' });
  });

  it('is given up when the grace is over too, not before', async () => {
    const { outcome, clock } = start({ handler: deaf });
    clock.advance(timeoutMs + graceMs - 1);
    expect(await soFar(outcome)).toBeUndefined();
    clock.advance(1);
    expect(await soFar(outcome)).toStrictEqual(timedOut);
  });

  it('fails at once when it stops, without waiting for the grace', async () => {
    const { outcome, clock, alarms } = start({ handler: obedient });
    clock.advance(timeoutMs);
    expect(await soFar(outcome)).toStrictEqual(timedOut);
    expect(alarms.set).toBe(0);
  });

  it('fails by the timeout, whatever it throws on its way out', async () => {
    const handler = heeding(() => {
      throw new NotRetryableError('the connection was closed');
    });
    const { outcome, clock } = start({ handler });
    clock.advance(timeoutMs);
    expect(await outcome).toStrictEqual(timedOut);
  });

  it('completes when it returns within the grace: the work is done', async () => {
    const { outcome, clock } = start({ handler: heeding(() => 'just made it') });
    clock.advance(timeoutMs);
    expect(await outcome).toStrictEqual({ kind: 'complete', result: 'just made it' });
  });

  it('may snooze within the grace', async () => {
    const { outcome, clock } = start({ handler: heeding(() => snooze(5)) });
    clock.advance(timeoutMs);
    expect(await outcome).toStrictEqual({ kind: 'snooze', delayMs: 5 });
  });

  it('is not asked again once it was given up, and its late end changes nothing', async () => {
    let finish: (result: string) => void = () => undefined;
    const handler = () =>
      new Promise<string>((resolve) => {
        finish = resolve;
      });
    const { outcome, clock } = start({ handler });
    clock.advance(timeoutMs + graceMs);
    expect(await outcome).toStrictEqual(timedOut);
    finish('too late');
    expect(await soFar(outcome)).toStrictEqual(timedOut);
  });

  it('is retried as its definition says', async () => {
    const retry = vi.fn<CustomRetry>(() => 7);
    const { outcome, clock } = start({ handler: deaf, retry, job: { attempt: 2 } });
    clock.advance(timeoutMs + graceMs);
    expect(await outcome).toStrictEqual({ ...timedOut, fallbackDelayMs: 7 });
    const seen = expect.objectContaining({ code: 'handler-timeout' }) as unknown;
    expect(retry).toHaveBeenCalledExactlyOnceWith(2, seen);
  });

  it('takes its middleware with it', async () => {
    const { outcome, clock } = start({ middleware: [deaf] });
    clock.advance(timeoutMs + graceMs);
    expect(await outcome).toStrictEqual(timedOut);
  });
});

describe('the time that a handler has', () => {
  it.each([
    { ofJob: 10, ofDefinition: 20, limit: 10 },
    { ofJob: 30, ofDefinition: 20, limit: 30 },
    { ofJob: null, ofDefinition: 20, limit: 20 },
    { ofJob: 10, ofDefinition: undefined, limit: 10 },
    { ofJob: null, ofDefinition: undefined, limit: timeoutMs },
  ])('is that of the job, else of its definition, else the default: $limit', async (told) => {
    const { ofJob, ofDefinition, limit } = told;
    const ofType = ofDefinition === undefined ? {} : { timeoutMs: ofDefinition };
    const { outcome, abort, clock } = start({
      handler: obedient,
      job: { timeoutMs: ofJob },
      ...ofType,
    });
    clock.advance(limit - 1);
    expect(abort.reason).toBeNull();
    clock.advance(1);
    expect(await outcome).toMatchObject({
      error: { message: `The handler took over ${limit} ms.` },
    });
  });

  it('ends with it: nothing is aborted, and no alarm left, after it has ended', async () => {
    const handlers = [() => 1, () => Promise.reject(new Error('boom')), async () => snooze(5)];
    for (const handler of handlers) {
      const { outcome, abort, clock, alarms } = start({ handler });
      await outcome;
      expect(alarms.set).toBe(0);
      clock.advance(timeoutMs + graceMs);
      expect(abort.reason).toBeNull();
    }
  });
});

describe('a handler that is asked to stop', () => {
  const releasing: AbortReason[] = ['cancelled', 'shutdown'];
  const all: AbortReason[] = [...releasing, 'lease-lost', 'timeout'];

  it.each(all)('hears why: %s', async (reason) => {
    const heard: unknown[] = [];
    const { outcome, abort } = start({ handler: heeding((why) => heard.push(why)) });
    expect(heard).toStrictEqual([]);
    abort.abort(reason);
    await outcome;
    expect(heard).toMatchObject([{ name: 'JobAborted', reason }]);
  });

  it.each(releasing)('is released when it obeys: %s', async (reason) => {
    const { outcome, abort, alarms } = start({ handler: obedient });
    abort.abort(reason);
    expect(await soFar(outcome)).toStrictEqual({ kind: 'release' });
    expect(alarms.set).toBe(0);
  });

  it.each(releasing)(
    'is released when it fails over it, burning no attempt: %s',
    async (reason) => {
      const handler = heeding(() => {
        throw new NotRetryableError('half done');
      });
      const retry = vi.fn<CustomRetry>();
      const { outcome, abort } = start({ handler, retry });
      abort.abort(reason);
      expect(await outcome).toStrictEqual({ kind: 'release' });
      expect(retry).not.toHaveBeenCalled();
    },
  );

  it.each(releasing)('is given up and released after the grace, not before: %s', async (reason) => {
    const { outcome, abort, clock } = start({ handler: deaf });
    clock.advance(1_000);
    abort.abort(reason);
    clock.advance(graceMs - 1);
    expect(await soFar(outcome)).toBeUndefined();
    clock.advance(1);
    expect(await soFar(outcome)).toStrictEqual({ kind: 'release' });
  });

  it.each(releasing)('completes or snoozes when it returns all the same: %s', async (reason) => {
    const done = start({ handler: heeding(() => 'done') });
    done.abort.abort(reason);
    expect(await done.outcome).toStrictEqual({ kind: 'complete', result: 'done' });
    const snoozed = start({ handler: heeding(() => snooze(5)) });
    snoozed.abort.abort(reason);
    expect(await snoozed.outcome).toStrictEqual({ kind: 'snooze', delayMs: 5 });
  });

  it.each([
    ['it obeys', obedient],
    ['it returns', heeding(() => 'done')],
    ['it snoozes', heeding(() => snooze(5))],
    ['it does not stop', deaf],
  ])('has nothing to say once its lease is lost: %s', async (_how, handler) => {
    const { outcome, abort, clock } = start({ handler });
    abort.abort('lease-lost');
    clock.advance(graceMs);
    expect(await outcome).toStrictEqual({ kind: 'none' });
  });

  it('keeps the first reason: a timeout during the grace makes no failure of a release', async () => {
    const { outcome, abort, clock } = start({ handler: deaf });
    clock.advance(timeoutMs - 1);
    abort.abort('shutdown');
    clock.advance(graceMs);
    expect(await outcome).toStrictEqual({ kind: 'release' });
  });

  it('before it began finds its signal aborted, and has the grace', async () => {
    const abort = createJobAbort();
    abort.abort('shutdown');
    const handler = obeyingFromTheStart;
    expect(await run({ abort, handler })).toStrictEqual({ kind: 'release' });
    const { outcome, clock } = start({ abort, handler: deaf });
    clock.advance(graceMs);
    expect(await outcome).toStrictEqual({ kind: 'release' });
  });

  it('leaves no alarm behind when it is given up', async () => {
    const { outcome, abort, clock, alarms } = start({ handler: deaf });
    abort.abort('shutdown');
    clock.advance(graceMs);
    await outcome;
    expect(alarms.set).toBe(0);
  });
});

function obeyingFromTheStart(_payload: unknown, { signal }: { signal: AbortSignal }): void {
  signal.throwIfAborted();
}
