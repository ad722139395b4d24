import { z } from 'zod';
import { DaybookError } from '../kernel/errors.ts';
import { isPostgresAddress } from './postgres-address.ts';

const HOUR = 3_600_000;

const ms = (min: number, max: number) => z.number().int().min(min).max(max);

const address = z
  .string()
  .refine(isPostgresAddress, 'must be as postgres://user:password@host:port/database');

/** How to reach the log, for library and processes alike. */
export const databaseOptions = z
  .strictObject({
    /** `postgres://…`; leave out when a pool is given. */
    connectionString: address.optional(),
    /** A direct connection for migrations and LISTEN, where the other leads through a pooler. */
    directConnectionString: address.optional(),
    /**
     * Prepare the statements that run all the time, on connections that Daybook opens itself. Left out,
     * it does so where they lead to the server itself: with a pooler that hands out connections by
     * transaction, a prepared statement is not there the next time.
     */
    preparedStatements: z.boolean().optional(),
    /** Where Daybook's tables live; several Daybooks fit into one database. */
    schema: z.string().default('daybook'),
    /** Connections this process opens at the most. Ten serve both cores of a small machine. */
    poolSize: z.number().int().min(2).max(500).default(10),
    /**
     * How long a statement may take before its connection is given up for lost. A connection that is
     * half open says nothing for ever, and no statement of Daybook's takes seconds on a sound server;
     * proofs and rebuilds may take as long as they like.
     */
    statementTimeoutMs: ms(1_000, HOUR).default(10_000),
    /**
     * Jobs that may wait in a queue which names no number of its own; submissions beyond that are
     * refused. Default: any number, since what is too much hangs on what the jobs are.
     */
    maxWaiting: z.number().int().min(1).optional(),
    /** How long an idempotency key is remembered; a day outlives any sensible chain of retries. */
    idempotencyTtlMs: ms(60_000, 31 * 24 * HOUR).default(24 * HOUR),
    /** Positions per partition of the log: 2^24, so that a partition is a full Merkle subtree. */
    partitionSpan: z
      .number()
      .int()
      .min(1_024)
      .default(2 ** 24),
    /** Apply pending migrations on open. On for development, off where deploys do it. */
    migrate: z.boolean().default(false),
    /**
     * Only read: for a streaming replica, which takes no writes. Nothing is prepared, listened for or
     * kept (`maintain` has no effect), and there are no workers.
     */
    readOnly: z.boolean().default(false),
  })
  .refine(({ readOnly, migrate }) => !(readOnly && migrate), {
    path: ['migrate'],
    message: 'is a write, and must be off where readOnly is on',
  });

/** How a worker takes and runs jobs. */
export const workerOptions = z
  .strictObject({
    /** Queues to work, in no particular order, each once. */
    queues: z
      .array(z.string())
      .min(1)
      .refine((queues) => new Set(queues).size === queues.length, 'must name each queue once')
      .default(['default']),
    /** Jobs of one queue that run at the same time in this process; else the queue's setting, or 10. */
    concurrency: z.number().int().min(1).max(10_000).optional(),
    /** What `GET /workers` calls this process; default: host and process id. */
    name: z.string().min(1).max(200).optional(),
    /** How long a dead process keeps its jobs: three missed beats. */
    leaseMs: ms(1_000, HOUR).default(12_000),
    /** How often a living one says so; default a third of the lease. */
    beatMs: ms(100, HOUR).optional(),
    /** How often the queues are looked at, all at once, for due jobs of which no hint came. */
    pollMs: ms(10, 60_000).default(500),
    /** Jobs claimed ahead at the most; fewer, where jobs take long. */
    maxPrefetch: z.number().int().min(0).max(10_000).default(1_000),
    /** Payload bytes held ahead at the most, by this process in all (one job more than fits). */
    maxPrefetchBytes: z
      .number()
      .int()
      .min(1_024)
      .default(64 * 1_048_576),
    /** How long one attempt may take where neither job nor definition says: an hour. */
    timeoutMs: ms(1, 7 * 24 * HOUR).default(HOUR),
    /** How long a handler may take to stop once its signal has aborted, before it is given up. */
    abortGraceMs: ms(0, HOUR).default(5_000),
    /** How long a shutdown waits for running jobs; then they are aborted and released. With the grace
     * it stays below the 30 s after which Kubernetes kills. */
    shutdownMs: ms(0, HOUR).default(20_000),
    /** A process whose event loop does not turn for this long stops beating: it is taken for dead. */
    stallMs: ms(1_000, 24 * HOUR).default(60_000),
    /** Lines of `context.log` kept per run of a job. */
    maxLogLines: z.number().int().min(0).max(100_000).default(1_000),
  })
  .refine(({ leaseMs, beatMs = 0 }) => beatMs * 2 <= leaseMs, {
    path: ['beatMs'],
    message: 'must be at most half of leaseMs',
  });

/** The HTTP server. */
export const serverOptions = z.strictObject({
  /** Loopback, because there are no API keys yet: whoever reaches another address may do everything. */
  host: z.string().default('127.0.0.1'),
  port: z.number().int().min(0).max(65_535).default(7_070),
  /** Names in the Host header that are served beside those of loopback; `[…]` for an IPv6 address. */
  allowedHosts: z
    .array(
      z.string().regex(/^([a-z0-9._-]+|\[[0-9a-f:.]+\])$/i, 'must be a host name without a port'),
    )
    .default([]),
});

/** The caretaker: what takes back the jobs of dead processes. */
export const caretakerOptions = z.strictObject({
  /** How often lapsed sessions are looked for. */
  expiryMs: ms(100, 60_000).default(1_000),
});

/** The relay: the log to KurrentDB, or EventStoreDB. */
export const relayOptions = z.strictObject({
  /** `esdb://…` or `kurrentdb://…`; user and password belong into it. */
  url: z
    .string()
    .regex(
      /^(esdb|kurrentdb|kdb)(\+discover)?:\/\/\S+$/,
      'must be as esdb://user:password@host:port',
    ),
  /** `eventstore` is `@eventstore/db-client`; `kurrent` its successor, to be installed beside Daybook. */
  client: z.enum(['eventstore', 'kurrent']).default('eventstore'),
  /** All appends over one call, or a call for each, which is several times slower. */
  appends: z.enum(['batch', 'single']).default('batch'),
  /** Payloads and results travel with the events that bring them; off: only their hashes do. */
  payloads: z.boolean().default(true),
  /** How long an append may take before its client is given up for lost: it can hang for ever. */
  timeoutMs: ms(100, HOUR).default(10_000),
  /**
   * Larger events are put aside: servers up to 25.0 take 1 MiB for one append, and newer ones do not
   * say clearly that something was too large.
   */
  maxEventBytes: z.number().int().min(1_024).max(16_000_000).default(1_000_000),
  /** Streams appended to at the same time. */
  concurrency: z.number().int().min(1).max(1_000).default(128),
});

/** As a caller writes them: everything with a default may be left out. */
export type DatabaseSettings = z.input<typeof databaseOptions>;
export type WorkerSettings = z.input<typeof workerOptions>;
export type RelayOptions = z.input<typeof relayOptions>;
export type WorkerOptions = z.output<typeof workerOptions>;

/** How often a worker with these options beats, in ms: a third of the lease unless it says otherwise. */
export function beatMsOf({ leaseMs, beatMs }: Pick<WorkerOptions, 'leaseMs' | 'beatMs'>): number {
  return beatMs ?? Math.floor(leaseMs / 3);
}

/**
 * Options as given, checked, with defaults filled in, frozen.
 * @throws DaybookError `invalid-options`, naming the option, and the one that was perhaps meant
 */
export function parseOptions<Schema extends z.ZodObject>(
  schema: Schema,
  input: unknown,
): Readonly<z.output<Schema>> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return Object.freeze(parsed.data);
  const [issue] = parsed.error.issues;
  const known = Object.keys(schema.shape);
  if (issue?.code === 'unrecognized_keys') {
    const wrong = issue.keys[0] ?? '';
    const meant = known.find((key) => isClose(key, wrong));
    const hint = meant === undefined ? `Known: ${known.join(', ')}.` : `Did you mean "${meant}"?`;
    throw new DaybookError('invalid-options', `There is no option "${wrong}". ${hint}`);
  }
  const path = issue?.path.join('.') ?? '';
  throw new DaybookError('invalid-options', `Option "${path}": ${issue?.message ?? 'is wrong'}.`);
}

/** Alike but for case, or for two letters at most (Levenshtein distance). */
function isClose(known: string, wrong: string): boolean {
  const a = known.toLowerCase();
  const b = wrong.toLowerCase();
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return (row[b.length] ?? Number.POSITIVE_INFINITY) <= 2;
}
