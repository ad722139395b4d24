import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DaybookError, isDaybookError } from '../../../src/kernel/errors.ts';
import {
  isRetryable,
  NotRetryableError,
  snooze,
  Snooze,
} from '../../../src/workers/definitions/control-flow.ts';
import { defineJob } from '../../../src/workers/definitions/define-job.ts';
import { createDefinitions, parsePayload } from '../../../src/workers/definitions/job-catalog.ts';

const nothing = () => undefined;

function greet(schema: z.ZodType = z.object({ name: z.string() })) {
  return defineJob({ type: 'greet', payload: schema, handler: nothing });
}

/** What the function throws, which must be one of Daybook's own errors. */
function thrownBy(act: () => unknown): DaybookError {
  try {
    act();
  } catch (error) {
    if (isDaybookError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a definition', () => {
  it('is what was told, and does nothing by itself', () => {
    const told = { type: 'greet', payload: z.string(), handler: nothing, queue: 'slow' };
    expect(defineJob(told)).toBe(told);
  });

  it.each(['', 'Greet', 'say hello', 'a/b', '.', '..', 'x'.repeat(65)])(
    'cannot have the type %j',
    (type) => {
      const error = thrownBy(() => defineJob({ type, payload: z.any(), handler: nothing }));
      expect(error.code).toBe('jobs-module-invalid');
      expect(error.message).toContain(`The definition of "${type}": type must`);
    },
  );

  it.each([{ queue: 'Not a name' }, { priority: 12 }, { maxAttempts: 0 }, { timeoutMs: -1 }])(
    'cannot have the default %j',
    (wrong) => {
      const told = { type: 'greet', payload: z.any(), handler: nothing, ...wrong };
      expect(() => createDefinitions([defineJob(told)])).toThrow(DaybookError);
    },
  );
});

describe('the definitions of a process', () => {
  it('are known by their type', () => {
    const one = greet();
    const other = defineJob({ type: 'part', payload: z.any(), handler: nothing });
    const definitions = createDefinitions([one, other]);
    expect(definitions.types).toStrictEqual(['greet', 'part']);
    expect(definitions.get('greet')).toBe(one);
    expect(definitions.get('part')).toBe(other);
    expect(definitions.get('shout')).toBeUndefined();
    expect(definitions.get('constructor')).toBeUndefined();
  });

  it('may be none', () => {
    expect(createDefinitions([]).types).toStrictEqual([]);
  });

  it('are one for each type', () => {
    const error = thrownBy(() => createDefinitions([greet(), greet()]));
    expect(error.code).toBe('jobs-module-invalid');
    expect(error.message).toBe('"greet" is defined twice.');
  });
});

describe('the defaults of a type', () => {
  it('are what its definition says, and undefined for an unknown type', () => {
    const retry = { kind: 'fixed', delayMs: 5, jitter: 0 } as const;
    const defaults = { queue: 'slow', priority: 2, maxAttempts: 3, timeoutMs: 4 };
    const definitions = createDefinitions([{ ...greet(), ...defaults, retry }]);
    expect(definitions.defaultsOf('greet')).toStrictEqual({ ...defaults, retryPolicy: retry });
    expect(definitions.defaultsOf('shout')).toBeUndefined();
  });

  it('name the policy custom where a function chooses the delays', () => {
    const definitions = createDefinitions([{ ...greet(), retry: () => 5 }]);
    expect(definitions.defaultsOf('greet')?.retryPolicy).toStrictEqual({ kind: 'custom' });
  });

  it('are left to Daybook where the definition says nothing', () => {
    const defaults = createDefinitions([greet()]).defaultsOf('greet') ?? {};
    expect(Object.values(defaults).filter((value) => value !== undefined)).toStrictEqual([]);
  });
});

describe('the payload of a submission', () => {
  const upper = greet(z.object({ name: z.string().transform((name) => name.toUpperCase()) }));
  const definitions = createDefinitions([upper]);

  it('is stored as it was submitted, not as its schema puts it out', () => {
    const payload = { name: 'Ada', more: 1 };
    expect(definitions.parsePayload('greet', payload)).toBe(payload);
    expect(parsePayload(upper, payload)).toStrictEqual({ name: 'ADA' });
  });

  it('must fit the schema of its type', () => {
    const error = thrownBy(() => definitions.parsePayload('greet', { name: 7 }));
    expect(error.code).toBe('payload-invalid');
    expect(error.message).toContain('The payload does not fit "greet": /payload/name ');
  });

  it('may be anything for a type that is not defined here', () => {
    expect(definitions.parsePayload('shout', 7)).toBe(7);
  });
});

describe('the fields of a payload that does not fit', () => {
  const pointersOf = (schema: z.ZodType, payload: unknown) =>
    thrownBy(() => parsePayload(greet(schema), payload)).fields.map((field) => field.pointer);

  it('are all of them, each with what is wrong', () => {
    const schema = z.object({ name: z.string(), age: z.number().min(0) });
    const error = thrownBy(() => parsePayload(greet(schema), { name: 7, age: -1 }));
    expect(error.fields).toStrictEqual([
      { pointer: '/payload/name', message: expect.stringContaining('string') as string },
      { pointer: '/payload/age', message: expect.stringContaining('0') as string },
    ]);
  });

  it('are JSON pointers, through objects and arrays', () => {
    const schema = z.object({ to: z.array(z.object({ mail: z.string() })) });
    const payload = { to: [{ mail: 'a' }, { mail: 1 }, {}] };
    expect(pointersOf(schema, payload)).toStrictEqual(['/payload/to/1/mail', '/payload/to/2/mail']);
  });

  it('are escaped: ~ first, so that ~1 stays what it was', () => {
    const schema = z.record(z.string(), z.number());
    const payload = { 'a/b': '', 'c~d': '', '~1': '', '': '' };
    expect(pointersOf(schema, payload)).toStrictEqual([
      '/payload/a~1b',
      '/payload/c~0d',
      '/payload/~01',
      '/payload/',
    ]);
  });

  it('are the payload itself where it is wrong as a whole', () => {
    expect(pointersOf(z.string(), 7)).toStrictEqual(['/payload']);
    expect(pointersOf(z.object({}), null)).toStrictEqual(['/payload']);
  });
});

describe('snooze', () => {
  it('is a value to return, in whole ms, never negative', () => {
    expect(snooze(60_000)).toBeInstanceOf(Snooze);
    expect([60_000, 1.5, 0, -0.4, -60_000].map((ms) => snooze(ms).delayMs)).toStrictEqual([
      60_000, 2, 0, 0, 0,
    ]);
  });
});

describe('a thrown value', () => {
  it('is retried unless it says otherwise', () => {
    const values = [new Error('a'), 'a', null, undefined, 7, {}, { retryable: true }];
    for (const thrown of values) expect(isRetryable(thrown)).toBe(true);
    // Only false is false: what else stands there was hardly meant for Daybook.
    for (const retryable of [undefined, null, 0, '']) expect(isRetryable({ retryable })).toBe(true);
  });

  it('is not retried when it says so, of whatever class', () => {
    expect(isRetryable({ retryable: false })).toBe(false);
    expect(isRetryable(Object.assign(new TypeError('a'), { retryable: false }))).toBe(false);
    class Inherited {
      get retryable() {
        return false;
      }
    }
    expect(isRetryable(new Inherited())).toBe(false);
    expect(isRetryable(new NotRetryableError('a'))).toBe(false);
  });

  it('of Daybook’s class is an error as any other', () => {
    const cause = new Error('b');
    const error = new NotRetryableError('a', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'NotRetryableError', message: 'a', cause });
  });

  it.each([
    [
      'a getter that throws',
      {
        get retryable(): boolean {
          throw new Error('hidden');
        },
      },
    ],
    [
      'a proxy that refuses',
      new Proxy(
        {},
        {
          has() {
            throw new Error('hidden');
          },
        },
      ),
    ],
  ])('may be %s', (_what, thrown) => {
    expect(isRetryable(thrown)).toBe(true);
  });
});
