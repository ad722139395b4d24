import { describe, expect, it, vi } from 'vitest';
import { createJobAbort, JobAborted } from '../../../src/workers/job-context.ts';

describe('the abort of a job', () => {
  it('is not there until somebody asks for it', () => {
    const abort = createJobAbort();
    expect(abort.reason).toBeNull();
    expect(abort.signal.aborted).toBe(false);
  });

  it('reaches the signal with the reason, as an error that says it', () => {
    const abort = createJobAbort();
    const { signal } = abort;
    const heard = vi.fn<() => void>();
    signal.addEventListener('abort', heard);
    abort.abort('cancelled');
    expect(heard).toHaveBeenCalledOnce();
    expect(abort.reason).toBe('cancelled');
    expect(signal.reason).toBeInstanceOf(JobAborted);
    expect(signal.reason).toMatchObject({
      name: 'JobAborted',
      reason: 'cancelled',
      message: 'The job was stopped: cancelled.',
    });
  });

  it('shows one and the same signal, also to those that look only afterwards', () => {
    const abort = createJobAbort();
    abort.abort('shutdown');
    expect(abort.signal.aborted).toBe(true);
    expect(abort.signal.reason).toMatchObject({ reason: 'shutdown' });
    expect(abort.signal).toBe(abort.signal);
    expect(() => abort.signal.throwIfAborted()).toThrow('The job was stopped: shutdown.');
  });

  it('keeps the first reason, and is told once', () => {
    const abort = createJobAbort();
    const told = vi.fn<() => void>();
    abort.onAbort(told);
    abort.abort('timeout');
    abort.abort('lease-lost');
    expect(abort.reason).toBe('timeout');
    expect(abort.signal.reason).toMatchObject({ reason: 'timeout' });
    expect(told).toHaveBeenCalledOnce();
  });

  it('is told at once where it came before', () => {
    const abort = createJobAbort();
    abort.abort('timeout');
    const told = vi.fn<() => void>();
    abort.onAbort(told);
    expect(told).toHaveBeenCalledOnce();
  });

  it('tells the signal before the listener, so that a handler stops before it is given up', () => {
    const abort = createJobAbort();
    const order: string[] = [];
    abort.signal.addEventListener('abort', () => order.push('handler'));
    abort.onAbort(() => order.push('worker'));
    abort.abort('timeout');
    expect(order).toStrictEqual(['handler', 'worker']);
  });
});
