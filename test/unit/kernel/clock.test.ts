import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';

/** True once the promise has settled; lets all that is due happen first. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  const pending = Symbol('pending');
  const first = await Promise.race([promise, Promise.resolve().then(() => pending)]);
  return first !== pending;
}

describe('sleep', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('ends after its time, not before', async () => {
    const sleeping = systemClock.sleep(1_000);
    vi.advanceTimersByTime(999);
    expect(await isDone(sleeping)).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await isDone(sleeping)).toBe(true);
  });

  // Timers take 2^31 - 1 ms at most, and make 1 ms of anything above.
  it.each([30 * 24 * 3_600_000, Infinity])(
    'of %d ms ends after the longest there is',
    async (ms) => {
      const sleeping = systemClock.sleep(ms);
      vi.advanceTimersByTime(2 ** 31 - 2);
      expect(await isDone(sleeping)).toBe(false);
      vi.advanceTimersByTime(1);
      expect(await isDone(sleeping)).toBe(true);
    },
  );

  it('ends as soon as the signal aborts, and leaves no timer behind', async () => {
    const stop = new AbortController();
    const sleeping = systemClock.sleep(60_000, stop.signal);
    expect(await isDone(sleeping)).toBe(false);
    stop.abort(new Error('shutting down'));
    await expect(sleeping).resolves.toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not begin when the signal has aborted before', async () => {
    const sleeping = systemClock.sleep(60_000, AbortSignal.abort());
    expect(vi.getTimerCount()).toBe(0);
    await expect(sleeping).resolves.toBeUndefined();
  });

  it('leaves no listener on a signal that outlives it', async () => {
    const { signal } = new AbortController();
    const sleeping = systemClock.sleep(10, signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    vi.advanceTimersByTime(10);
    await sleeping;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('of many on one signal ends for all of them', async () => {
    const stop = new AbortController();
    const all = [1_000, 2_000, 3_000].map((ms) => systemClock.sleep(ms, stop.signal));
    stop.abort();
    await expect(Promise.all(all)).resolves.toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('after', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('calls back once, after its time, not before', () => {
    const callback = vi.fn<() => void>();
    systemClock.after(1_000, callback);
    vi.advanceTimersByTime(999);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(10_000);
    expect(callback).toHaveBeenCalledOnce();
  });

  it('takes a month for the longest time there is, not for none', () => {
    const callback = vi.fn<() => void>();
    systemClock.after(30 * 24 * 3_600_000, callback);
    vi.advanceTimersByTime(2 ** 31 - 2);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledOnce();
  });

  it('can be called off, also when it is over', () => {
    const callback = vi.fn<() => void>();
    const callOff = systemClock.after(1_000, callback);
    callOff();
    vi.advanceTimersByTime(10_000);
    expect(callback).not.toHaveBeenCalled();
    expect(callOff).not.toThrow();
  });
});

describe('readings', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('of the wall follow the machine', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_234 });
    expect(systemClock.nowMs()).toBe(1_234);
    vi.setSystemTime(1_000);
    expect(systemClock.nowMs()).toBe(1_000);
  });

  it('for durations do not go back when the wall clock does', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
    const before = systemClock.elapsedMs();
    vi.setSystemTime(0);
    expect(systemClock.elapsedMs()).toBeGreaterThanOrEqual(before);
  });
});
