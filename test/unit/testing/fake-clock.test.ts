import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { createFakeClock } from '../../../src/testing/fake-clock.ts';

/** True once the promise has settled; lets all that is due happen first. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
    return undefined;
  });
  await turn();
  return done;
}

describe('readings of a fake clock', () => {
  it('stand still until it is told to go on', async () => {
    const clock = createFakeClock(1_000);
    await turn();
    expect([clock.nowMs(), clock.elapsedMs()]).toStrictEqual([1_000, 0]);
    clock.advance(250);
    expect([clock.nowMs(), clock.elapsedMs()]).toStrictEqual([1_250, 250]);
    clock.advance(0);
    expect(clock.nowMs()).toBe(1_250);
  });

  it('begin with 1970 where nothing else is said', () => {
    expect(createFakeClock().nowMs()).toBe(0);
  });

  it('are those of this clock alone', () => {
    createFakeClock().advance(5);
    expect(createFakeClock().nowMs()).toBe(0);
  });
});

describe('after', () => {
  it('calls back once, in its very ms, not before', () => {
    const clock = createFakeClock();
    const callback = vi.fn<() => void>();
    clock.after(100, callback);
    clock.advance(99);
    expect(callback).not.toHaveBeenCalled();
    clock.advance(1);
    expect(callback).toHaveBeenCalledOnce();
    clock.advance(1_000);
    expect(callback).toHaveBeenCalledOnce();
  });

  it('can be called off, and again, and also when it is over', () => {
    const clock = createFakeClock();
    const callback = vi.fn<() => void>();
    const callOff = clock.after(100, callback);
    callOff();
    callOff();
    clock.advance(100);
    expect(callback).not.toHaveBeenCalled();
    const late = clock.after(100, callback);
    clock.advance(100);
    late();
    expect(callback).toHaveBeenCalledOnce();
  });

  it('calls off itself only, also of two alike', () => {
    const clock = createFakeClock();
    const callback = vi.fn<() => void>();
    const callOff = clock.after(100, callback);
    clock.after(100, callback);
    callOff();
    clock.advance(100);
    expect(callback).toHaveBeenCalledOnce();
  });

  it('calls back in the order of time, each at its own, equal ones as they were set', () => {
    const clock = createFakeClock(1_000);
    const rung: [string, number][] = [];
    for (const [name, ms] of [
      ['late', 300],
      ['first', 100],
      ['second', 100],
      ['never', 501],
    ] as const) {
      clock.after(ms, () => rung.push([name, clock.nowMs()]));
    }
    clock.advance(500);
    expect(rung).toStrictEqual([
      ['first', 1_100],
      ['second', 1_100],
      ['late', 1_300],
    ]);
    expect(clock.nowMs()).toBe(1_500);
  });

  it('counts from the call back that set it, within the same advance', () => {
    const clock = createFakeClock();
    const rung: number[] = [];
    const again = () => {
      rung.push(clock.nowMs());
      clock.after(100, again);
    };
    clock.after(100, again);
    clock.advance(350);
    expect(rung).toStrictEqual([100, 200, 300]);
  });

  it('does not call back what an earlier call back called off', () => {
    const clock = createFakeClock();
    const callback = vi.fn<() => void>();
    const callOff = clock.after(200, callback);
    clock.after(100, callOff);
    clock.advance(500);
    expect(callback).not.toHaveBeenCalled();
  });
});

describe('sleep', () => {
  it('ends after its time, not before', async () => {
    const clock = createFakeClock();
    const sleeping = clock.sleep(1_000);
    clock.advance(999);
    expect(await isDone(sleeping)).toBe(false);
    clock.advance(1);
    expect(await isDone(sleeping)).toBe(true);
  });

  it('ends as soon as the signal aborts, without the clock, and never rejects', async () => {
    const clock = createFakeClock();
    const stop = new AbortController();
    const sleeping = clock.sleep(1_000, stop.signal);
    expect(await isDone(sleeping)).toBe(false);
    stop.abort(new Error('shutting down'));
    await expect(sleeping).resolves.toBeUndefined();
  });

  it('does not begin when the signal has aborted before', async () => {
    const sleeping = createFakeClock().sleep(1_000, AbortSignal.abort());
    await expect(sleeping).resolves.toBeUndefined();
  });

  it('of many on one signal ends for all of them', async () => {
    const clock = createFakeClock();
    const stop = new AbortController();
    const all = [1_000, 2_000].map((ms) => clock.sleep(ms, stop.signal));
    stop.abort();
    await expect(Promise.all(all)).resolves.toHaveLength(2);
  });

  it('leaves no listener on a signal that outlives it', async () => {
    const clock = createFakeClock();
    const { signal } = new AbortController();
    const sleeping = clock.sleep(10, signal);
    clock.advance(10);
    await sleeping;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});
