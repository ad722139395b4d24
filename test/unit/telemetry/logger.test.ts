import { describe, expect, it } from 'vitest';
import { createLogger, type LoggerOptions } from '../../../src/telemetry/logger.ts';
import { DaybookError } from '../../../src/kernel/errors.ts';

const nowMs = () => Date.UTC(2026, 10, 22, 3, 4, 5, 678);

/** A logger, and the lines it has written. */
function logger(options: Partial<LoggerOptions> & { isTTY?: boolean } = {}) {
  const lines: string[] = [];
  const { isTTY = false, ...rest } = options;
  const stream = { isTTY, write: (line: string) => lines.push(line) };
  return { log: createLogger({ stream, nowMs, ...rest }), lines };
}

/** The one line that was written, as JSON. */
function written(context: Record<string, unknown>, message = 'm') {
  const { log, lines } = logger();
  log.warn(message, context);
  expect(lines).toHaveLength(1);
  return { line: lines[0] ?? '', entry: JSON.parse(lines[0] ?? '') };
}

describe('where nobody reads', () => {
  it('each entry is a line of JSON', () => {
    const { log, lines } = logger();
    log.info('started', { port: 7070, position: 12n, at: new Date(0) });
    expect(lines).toEqual([
      '{"port":7070,"position":"12","at":"1970-01-01T00:00:00.000Z","time":"2026-11-22T03:04:05.678Z","level":"info","message":"started"}\n',
    ]);
  });

  it('the context does not take the place of time, level or message', () => {
    const { entry } = written({ level: 'x', message: 'y', time: 'z' });
    expect(entry).toMatchObject({ level: 'warn', message: 'm', time: expect.stringMatching(/Z$/) });
  });

  it('an error is shown with its code, its stack and what led to it', () => {
    const deepest = Object.assign(new Error('ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const cause = new AggregateError([deepest], 'all failed');
    const error = new DaybookError('database-unavailable', 'It is away.', { cause });
    expect(written({ error }).entry.error).toMatchObject({
      name: 'DaybookError',
      code: 'database-unavailable',
      message: 'It is away.',
      stack: expect.stringContaining('logger.test.ts'),
      cause: { message: 'all failed', cause: [{ code: 'ECONNREFUSED' }] },
    });
  });
});

describe('on a terminal', () => {
  it('each entry is one line for a person', () => {
    const { log, lines } = logger({ isTTY: true });
    log.info('started', { port: 7070, url: 'http://127.0.0.1:7070', note: 'two words' });
    expect(lines).toEqual([
      '03:04:05.678 info  started  port=7070  url=http://127.0.0.1:7070  note="two words"\n',
    ]);
  });

  it('an error is one sentence with its causes; without a code it says where it arose', () => {
    const { log, lines } = logger({ format: 'human' });
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    log.warn('oh', { error: new DaybookError('database-unavailable', 'Away.', { cause }) });
    log.warn('oh', { error: new TypeError('x is\nnot a function') });
    expect(lines[0]).toBe(
      '03:04:05.678 warn  oh  error="DaybookError database-unavailable: Away., because Error ECONNREFUSED: refused"\n',
    );
    expect(lines[1]).toMatch(/error="TypeError: x is not a function \(at .*logger\.test\.ts:\d+/);
  });

  it('no text begins a line of its own, or moves the cursor', () => {
    const { log, lines } = logger({ format: 'human' });
    log.warn('one\n12:00:00.000 info  two\u001B[2J', { by: 'a\nb' });
    expect(lines[0]?.match(/\n/g)).toHaveLength(1);
    expect(lines[0]).not.toContain('\u001B');
  });
});

describe('levels', () => {
  it('leave out what is below', () => {
    const { log, lines } = logger({ level: 'warn' });
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    expect(lines.map((line) => JSON.parse(line).message)).toEqual(['c', 'd']);
  });

  it('are info and above by default', () => {
    const { log, lines } = logger();
    log.debug('a');
    log.info('b');
    expect(lines).toHaveLength(1);
  });
});

describe('secrets', () => {
  const secret = 'hunter2';

  it.each([
    { url: `postgres://daybook:${secret}@localhost:5432/jobs` },
    { setting: `host=localhost password=${secret} dbname=jobs` },
    { setting: `password='${secret} ${secret}'` },
    { password: secret },
    { DATABASE_PASSWORD: secret },
    { headers: { authorization: `Bearer ${secret}` } },
    { leaseToken: secret },
    { lease_token: secret },
    { nested: [{ apiKey: secret }] },
    { error: new Error(`cannot connect to postgres://u:${secret}@h/d`) },
    { error: new Error('outer', { cause: new Error(`postgresql://u:${secret}@h/d`) }) },
    { error: new Error('outer', { cause: { connection: { password: secret } } }) },
  ])('are hidden in %j', (context) => {
    expect(written(context).line).not.toContain(secret);
    const { log, lines } = logger({ format: 'human' });
    log.warn('m', context);
    expect(lines.join('')).not.toContain(secret);
  });

  it('are hidden in the message, which keeps the rest', () => {
    const { entry } = written({}, `connecting to postgres://daybook:${secret}@localhost/jobs`);
    expect(entry.message).toBe('connecting to postgres://daybook:***@localhost/jobs');
  });
});

describe('what cannot be shown', () => {
  it('does not throw', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const trap = {
      get value(): never {
        throw new Error('no');
      },
    };
    const odd = { circle, trap, symbol: Symbol('s'), fn: () => 1, nothing: undefined };
    expect(written({ ...odd, never: new Date(Number.NaN) }).entry).toMatchObject({ level: 'warn' });
    const { log, lines } = logger({ format: 'human' });
    log.warn('m', odd);
    expect(lines).toHaveLength(1);
  });
});
