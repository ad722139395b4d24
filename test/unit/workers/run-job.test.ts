import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { DaybookError } from '../../../src/kernel/errors.ts';
import { NotRetryableError, snooze } from '../../../src/workers/definitions/control-flow.ts';
import type { CustomRetry } from '../../../src/workers/definitions/define-job.ts';
import type { Middleware } from '../../../src/workers/job-context.ts';
import { run, start } from './run.ts';

/** A handler that throws this. */
function throwing(thrown: unknown): () => never {
  return () => {
    throw thrown;
  };
}

const boom = new Error('boom');
const failed = { kind: 'fail', retryable: true };

describe('what a handler returns', () => {
  it('completes the job as its result, sooner or later', async () => {
    const complete = { kind: 'complete', result: { sent: 3 } };
    expect(await run({ handler: () => ({ sent: 3 }) })).toStrictEqual(complete);
    expect(await run({ handler: async () => ({ sent: 3 }) })).toStrictEqual(complete);
  });

  it('may be nothing', async () => {
    const complete = { kind: 'complete', result: undefined };
    expect(await run({ handler: () => undefined })).toStrictEqual(complete);
  });

  it('is the result also where it looks like a failure', async () => {
    expect(await run({ handler: () => boom })).toStrictEqual({ kind: 'complete', result: boom });
  });

  it('is the outcome at once where it is no promise, without an alarm', () => {
    const { atOnceOrLater, alarms } = start({ handler: () => ({ sent: 3 }) });
    expect(atOnceOrLater).toStrictEqual({ kind: 'complete', result: { sent: 3 } });
    expect(alarms.set).toBe(0);
  });

  it('is waited for whatever promises it', async () => {
    const thenable = (descriptor: PropertyDescriptor) => () =>
      // oxlint-disable-next-line unicorn/no-thenable -- as those of query builders are
      Object.defineProperty({}, 'then', descriptor);
    const query = thenable({ value: (resolve: (value: unknown) => void) => resolve('rows') });
    expect(await run({ handler: query })).toStrictEqual({ kind: 'complete', result: 'rows' });
    expect(await run({ handler: thenable({ get: throwing(boom) }) })).toMatchObject(failed);
  });

  it('is a failure where it refuses to be looked at', async () => {
    const refusing = new Proxy({}, { getPrototypeOf: throwing(boom) });
    const refused = { ...failed, error: { name: 'Error', message: 'boom' } };
    expect(await run({ handler: () => refusing })).toMatchObject(refused);
    expect(await run({ handler: async () => refusing })).toMatchObject(refused);
  });

  it('may be a snooze', async () => {
    const snoozed = { kind: 'snooze', delayMs: 60_000 };
    expect(await run({ handler: () => snooze(60_000) })).toStrictEqual(snoozed);
    expect(await run({ handler: async () => snooze(60_000) })).toStrictEqual(snoozed);
    const alike = { delayMs: 60_000 };
    expect(await run({ handler: () => alike })).toStrictEqual({ kind: 'complete', result: alike });
  });
});

describe('a handler', () => {
  it('is given the payload as its schema puts it out, and the context', async () => {
    const handler = vi.fn<(payload: unknown, context: unknown) => void>();
    const payload = z.object({ name: z.string().toUpperCase(), times: z.number().default(2) });
    const { outcome, context } = start({ payload, handler });
    await outcome;
    expect(handler).toHaveBeenCalledExactlyOnceWith({ name: 'ADA', times: 2 }, context);
  });

  it('is a method of its definition', async () => {
    const handler = function (this: { readonly queue?: string }) {
      return this.queue;
    };
    expect(await run({ handler, queue: 'slow' })).toMatchObject({ result: 'slow' });
  });
});

describe('what a handler throws', () => {
  it('fails the job, whether it throws at once or later', async () => {
    const error = { name: 'Error', message: 'boom', stack: boom.stack };
    const expected = { kind: 'fail', error, retryable: true };
    expect(await run({ handler: throwing(boom) })).toStrictEqual(expected);
    expect(await run({ handler: () => Promise.reject(boom) })).toStrictEqual(expected);
  });

  it.each([
    ['out of paper', 'out of paper'],
    [{ code: 7 }, '{"code":7}'],
    [7, '7'],
    [null, 'null'],
    [undefined, 'undefined'],
  ])('need not be an error: %j', async (thrown, message) => {
    const outcome = await run({ handler: throwing(thrown) });
    expect(outcome).toStrictEqual({ ...failed, error: { name: 'NonError', message } });
  });

  it('is known by its code where it is one of Daybook’s own', async () => {
    const thrown = new DaybookError('unique-key-held', 'Another job holds it.');
    const error = { name: 'unique-key-held', message: 'Another job holds it.' };
    expect(await run({ handler: throwing(thrown) })).toStrictEqual({ ...failed, error });
  });

  it('ends all attempts where it says that none would help', async () => {
    const final = { kind: 'fail', retryable: false };
    expect(await run({ handler: throwing(new NotRetryableError('no')) })).toMatchObject(final);
    expect(await run({ handler: throwing({ retryable: false }) })).toMatchObject(final);
    const error = Object.assign(new TypeError('no'), { retryable: false });
    expect(await run({ handler: throwing(error) })).toMatchObject(final);
    expect(await run({ handler: throwing({ retryable: true }) })).toMatchObject(failed);
  });

  it('may refuse to be looked at', async () => {
    const hidden = {
      get retryable(): boolean {
        throw new Error('hidden');
      },
    };
    expect(await run({ handler: throwing(hidden) })).toMatchObject(failed);
  });
});

describe('a job that cannot be run here', () => {
  it('fails where its type has no handler', async () => {
    const { outcome, alarms } = start({ job: { type: 'shout' }, retry: () => 5 });
    expect(await outcome).toStrictEqual({
      ...failed,
      error: { name: 'unknown-type', message: 'No handler for the type "shout" here.' },
    });
    expect(alarms.set).toBe(0);
  });

  it('fails where its payload does not fit any more, before anything runs', async () => {
    const handler = vi.fn<() => void>();
    const around = vi.fn<Middleware>();
    const outcome = await run({ job: { payload: { name: 7 } }, handler, middleware: [around] });
    expect(outcome).toMatchObject({ ...failed, error: { name: 'payload-invalid' } });
    expect(outcome).toMatchObject({
      error: { message: expect.stringContaining('"greet": /payload/name ') as string },
    });
    expect(handler).not.toHaveBeenCalled();
    expect(around).not.toHaveBeenCalled();
  });

  it('fails where its schema itself throws', async () => {
    const payload = z.any().transform(throwing(boom));
    expect(await run({ payload })).toMatchObject({ ...failed, error: { message: 'boom' } });
  });
});

describe('the delay before the next attempt', () => {
  it('is left to the job, or to Daybook, where the definition says nothing', async () => {
    const outcome = await run({ handler: throwing(boom) });
    expect(outcome).not.toHaveProperty('fallbackDelayMs');
    expect(outcome).not.toHaveProperty('fallbackPolicy');
  });

  it('follows the policy of the definition where the job has none', async () => {
    const retry = { kind: 'fixed', delayMs: 5, jitter: 0 } as const;
    const outcome = await run({ handler: throwing(boom), retry });
    expect(outcome).toMatchObject({ ...failed, fallbackPolicy: retry });
    expect(outcome).not.toHaveProperty('fallbackDelayMs');
  });

  it('is chosen by the function of the definition, which is told failures and error', async () => {
    const retry = vi.fn<CustomRetry>((failures) => failures * 1_000);
    const outcome = await run({ job: { attempt: 3 }, handler: throwing(boom), retry });
    expect(outcome).toMatchObject({ ...failed, fallbackDelayMs: 3_000 });
    expect(outcome).not.toHaveProperty('fallbackPolicy');
    expect(retry).toHaveBeenCalledExactlyOnceWith(3, boom);
  });

  it('is left to Daybook where the function throws: the handler’s own error is kept', async () => {
    const outcome = await run({ handler: throwing(boom), retry: throwing(new Error('oops')) });
    expect(outcome).toMatchObject({ ...failed, error: { message: 'boom' } });
    expect(outcome).not.toHaveProperty('fallbackDelayMs');
  });

  it('is nobody’s question where the job has completed', async () => {
    const retry = vi.fn<CustomRetry>();
    await run({ retry });
    expect(retry).not.toHaveBeenCalled();
  });
});

describe('middleware', () => {
  /** Writes down when it is entered and left. */
  const noting = (notes: string[], name: string): Middleware => {
    return async (_context, next) => {
      notes.push(`> ${name}`);
      const result = await next();
      notes.push(`< ${name}`);
      return result;
    };
  };

  const catching: Middleware = (_context, next) => next().catch(() => 'caught');

  it('runs around the handler, the first outermost', async () => {
    const notes: string[] = [];
    const middleware = [noting(notes, 'a'), noting(notes, 'b'), noting(notes, 'c')];
    const handler = () => notes.push('handler');
    expect(await run({ middleware, handler })).toStrictEqual({ kind: 'complete', result: 4 });
    expect(notes).toStrictEqual(['> a', '> b', '> c', 'handler', '< c', '< b', '< a']);
    // The list is every run's: the next one finds it as it was.
    await run({ middleware, handler: () => notes.splice(0) });
    expect(notes).toStrictEqual(['< c', '< b', '< a']);
  });

  it('is given the context of the handler', async () => {
    const around = vi.fn<Middleware>((_context, next) => next());
    const { outcome, context } = start({ middleware: [around] });
    await outcome;
    expect(around).toHaveBeenCalledOnce();
    expect(around.mock.calls[0]?.[0]).toBe(context);
  });

  it('may put another result in place, or none run at all', async () => {
    const twice: Middleware = async (_context, next) => [await next(), await next()];
    const outcome = await run({ middleware: [twice], handler: () => 'hi' });
    expect(outcome).toMatchObject({ result: ['hi', 'hi'] });
    const handler = vi.fn<() => void>();
    const instead = await run({ middleware: [async () => 'cached'], handler });
    expect(instead).toStrictEqual({ kind: 'complete', result: 'cached' });
    expect(handler).not.toHaveBeenCalled();
  });

  it('may snooze the job', async () => {
    const outcome = await run({ middleware: [async () => snooze(5)] });
    expect(outcome).toStrictEqual({ kind: 'snooze', delayMs: 5 });
  });

  it('sees what the handler throws, and may make a result of it', async () => {
    const seen: unknown[] = [];
    const forgiving: Middleware = (_context, next) =>
      next().catch((error: unknown) => seen.push(error));
    expect(await run({ middleware: [forgiving], handler: throwing(boom) })).toMatchObject({
      kind: 'complete',
    });
    expect(seen).toStrictEqual([boom]);
  });

  it('fails the job when it throws, before or after the handler, at once or later', async () => {
    const error = { message: 'boom' };
    const handler = vi.fn<() => void>();
    const before: readonly Middleware[] = [throwing(boom), () => Promise.reject(boom)];
    for (const around of before) {
      expect(await run({ middleware: [around], handler })).toMatchObject({ ...failed, error });
    }
    expect(handler).not.toHaveBeenCalled();
    const after: Middleware = async (_context, next) => {
      await next();
      throw boom;
    };
    expect(await run({ middleware: [after], handler })).toMatchObject({ ...failed, error });
    expect(handler).toHaveBeenCalledOnce();
  });

  it('that throws is caught by what lies around it', async () => {
    const outcome = await run({ middleware: [catching, () => Promise.reject(boom)] });
    expect(outcome).toStrictEqual({ kind: 'complete', result: 'caught' });
  });

  it('that throws at once is caught by what lies around it, too', async () => {
    const outcome = await run({ middleware: [catching, throwing(boom)] });
    expect(outcome).toStrictEqual({ kind: 'complete', result: 'caught' });
  });
});
