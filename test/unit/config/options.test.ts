import { describe, expect, it } from 'vitest';
import {
  beatMsOf,
  caretakerOptions,
  databaseOptions,
  parseOptions,
  serverOptions,
  workerOptions,
} from '../../../src/config/options.ts';
import { type DaybookError, isDaybookError } from '../../../src/kernel/errors.ts';

/** What comes of options that are wrong: always the same code. */
function refusal(parse: () => unknown): DaybookError {
  try {
    parse();
  } catch (error) {
    if (isDaybookError(error, 'invalid-options')) return error;
    throw error;
  }
  throw new Error('the options were accepted');
}

const hour = 3_600_000;

describe('the address of a server', () => {
  it.each([
    'postgres://user:password@host:5432/database',
    'postgresql://host/database?sslmode=require&port=6432',
    'postgres://user:pass word@host/database',
    'postgres://user@/database?host=/run/postgresql',
    'postgres:///database',
    'socket:/run/postgresql?db=database',
    '/run/postgresql database',
  ])('may be %s', (connectionString) => {
    expect(parseOptions(databaseOptions, { connectionString })).toMatchObject({ connectionString });
  });

  it.each([
    '',
    'nonsense',
    'host:5432',
    'postgres://[',
    'postgres://host:99999/database',
    'postgres://host/database?port=abc',
    'postgres://host/database?port=-5',
    'postgres://host/database?port=99999',
    'postgres://host/database?port=',
  ])('is not %j, which is not quoted: it may hold a password', (text) => {
    for (const name of ['connectionString', 'directConnectionString']) {
      const { message } = refusal(() => parseOptions(databaseOptions, { [name]: text }));
      expect(message).toBe(
        `Option "${name}": must be as postgres://user:password@host:port/database.`,
      );
    }
  });
});

describe('the defaults', () => {
  // Literal: docs/configuration.md shows the same numbers.
  it('of a database', () => {
    expect(parseOptions(databaseOptions, {})).toStrictEqual({
      schema: 'daybook',
      poolSize: 10,
      statementTimeoutMs: 10_000,
      idempotencyTtlMs: 24 * hour,
      partitionSpan: 16_777_216,
      migrate: false,
      readOnly: false,
    });
  });

  it('of a worker', () => {
    expect(parseOptions(workerOptions, {})).toStrictEqual({
      queues: ['default'],
      leaseMs: 12_000,
      pollMs: 500,
      maxPrefetch: 1_000,
      maxPrefetchBytes: 67_108_864,
      timeoutMs: hour,
      abortGraceMs: 5_000,
      shutdownMs: 20_000,
      stallMs: 60_000,
      maxLogLines: 1_000,
    });
  });

  it('of the server, which serves this machine only, and of the caretaker', () => {
    expect(parseOptions(serverOptions, {})).toStrictEqual({
      host: '127.0.0.1',
      port: 7_070,
      allowedHosts: [],
    });
    expect(parseOptions(caretakerOptions, {})).toStrictEqual({ expiryMs: 1_000 });
  });

  it.each(['daybook:7070', '*', 'http://daybook', 'a b', ''])('let in no host "%s"', (name) => {
    const options = { allowedHosts: ['daybook', 'Queue.internal', '10.0.0.7', '[fd00::1]', name] };
    expect(() => parseOptions(serverOptions, options)).toThrow(/allowedHosts\.4.*host name/);
  });

  it('stop a worker before Kubernetes does, and let three beats be missed', () => {
    const options = parseOptions(workerOptions, {});
    expect(options.shutdownMs + options.abortGraceMs).toBeLessThan(30_000);
    expect(options.leaseMs).toBe(3 * beatMsOf(options));
  });

  it('let a lease be as short as a second, and beat in time for it', () => {
    const options = parseOptions(workerOptions, { leaseMs: 1_000 });
    expect(beatMsOf(options)).toBe(333);
    expect(() => parseOptions(workerOptions, { leaseMs: 999 })).toThrow(/leaseMs/);
    expect(() => parseOptions(workerOptions, { leaseMs: 1_000, beatMs: 501 })).toThrow(/beatMs/);
  });

  it('stand in for undefined, and give way to what is given', () => {
    const given = { maxPrefetch: undefined, queues: ['a', 'b'], pollMs: 10 };
    expect(parseOptions(workerOptions, given)).toMatchObject({
      maxPrefetch: 1_000,
      queues: ['a', 'b'],
      pollMs: 10,
    });
  });
});

describe('parsed options', () => {
  it('are frozen', () => {
    const options = parseOptions(workerOptions, {});
    expect(Object.isFrozen(options)).toBe(true);
    expect(() => Object.assign(options, { concurrency: 1 })).toThrow(TypeError);
  });

  it('are not the object that was given, nor share defaults with each other', () => {
    const given = { concurrency: 3 };
    expect(parseOptions(workerOptions, given)).not.toBe(given);
    expect(Object.isFrozen(given)).toBe(false);
    parseOptions(workerOptions, {}).queues.push('more');
    expect(parseOptions(workerOptions, {}).queues).toStrictEqual(['default']);
  });
});

describe('an option that does not exist', () => {
  it.each([
    ['concurency', 'concurrency'],
    ['Concurrency', 'concurrency'],
    ['BEATMS', 'beatMs'],
    ['queue', 'queues'],
    ['leaseMillis', undefined],
    ['pollMS', 'pollMs'],
    ['maxPrefetchByte', 'maxPrefetchBytes'],
    ['xxqueues', 'queues'],
    ['xxxqueues', undefined],
    ['threads', undefined],
    ['', undefined],
  ])('is refused, with the one that was perhaps meant: "%s"', (wrong, meant) => {
    const { message } = refusal(() => parseOptions(workerOptions, { [wrong]: 1 }));
    const known = Object.keys(workerOptions.shape).join(', ');
    const hint = meant === undefined ? `Known: ${known}.` : `Did you mean "${meant}"?`;
    expect(message).toBe(`There is no option "${wrong}". ${hint}`);
  });

  it('is looked for among the options at hand', () => {
    const { message } = refusal(() => parseOptions(serverOptions, { prot: 1 }));
    expect(message).toBe('There is no option "prot". Did you mean "port"?');
    const other = refusal(() => parseOptions(serverOptions, { concurency: 1 }));
    expect(other.message).toBe('There is no option "concurency". Known: host, port, allowedHosts.');
  });

  it('is refused also where nothing is said about it', () => {
    const { message } = refusal(() => parseOptions(serverOptions, { prot: undefined }));
    expect(message).toContain('"prot"');
  });
});

describe('an option of the wrong kind', () => {
  it.each([
    [workerOptions, { concurrency: '10' }, 'concurrency', 'number'],
    [workerOptions, { concurrency: 1.5 }, 'concurrency', 'int'],
    [workerOptions, { concurrency: 0 }, 'concurrency', '1'],
    [workerOptions, { concurrency: Number.NaN }, 'concurrency', 'number'],
    [workerOptions, { leaseMs: hour + 1 }, 'leaseMs', '3600000'],
    [workerOptions, { queues: [] }, 'queues', '1'],
    [workerOptions, { queues: ['a', 'b', 'a'] }, 'queues', 'once'],
    [workerOptions, { queues: 'default' }, 'queues', 'array'],
    [workerOptions, { queues: ['a', 7] }, 'queues.1', 'string'],
    [workerOptions, { name: '' }, 'name', '1'],
    [workerOptions, { name: null }, 'name', 'string'],
    [databaseOptions, { migrate: 'yes' }, 'migrate', 'boolean'],
    [databaseOptions, { poolSize: 1 }, 'poolSize', '2'],
    [databaseOptions, { connectionString: '' }, 'connectionString', 'postgres://'],
    [serverOptions, { port: 65_536 }, 'port', '65535'],
    [caretakerOptions, { expiryMs: 99 }, 'expiryMs', '100'],
  ] as const)('is named, with what it must be: %#', (schema, given, option, expected) => {
    const { message } = refusal(() => parseOptions(schema, given));
    expect(message.startsWith(`Option "${option}": `)).toBe(true);
    expect(message).toContain(expected);
    expect(message).toMatch(/[^.]\.$/);
  });

  it('is told before another that does not exist, or after it, but never passed over', () => {
    const { message } = refusal(() => parseOptions(serverOptions, { port: 'x', prot: 1 }));
    expect(message).toMatch(/"port"|"prot"/);
  });

  it('comes with advice', () => {
    const { advice } = refusal(() => parseOptions(serverOptions, { port: 'x' }));
    expect(advice).toContain('docs/configuration.md');
  });
});

describe('options that contradict each other', () => {
  it.each([
    { leaseMs: 7_000, beatMs: 4_000 },
    { beatMs: 12_000 },
    { leaseMs: 5_000, beatMs: 5_000 },
  ])('are refused: %j leaves no beat within a lease', (given) => {
    expect(() => parseOptions(workerOptions, given)).toThrow(/beatMs|leaseMs/);
  });
});
