import type { RetryPolicy } from '../domain/retry-policy.ts';
import { uuidV5 } from '../kernel/ids.ts';
import type { Ancestry, Lineage } from '../kernel/lineage.ts';
import type { Observer } from '../kernel/observer.ts';
import type { Database, Queryable } from '../store/database.ts';
import type { Names } from '../store/names.ts';
import type { Executor } from '../store/statement.ts';
import type { WakeUp } from '../store/wake-up.ts';
import type { JobWatch } from './read/job-watch.ts';
import type { BacklogLimit } from './submit/backlog-limit.ts';
import type { SubmitCoalescer } from './submit/submit-coalescer.ts';

/** What this process knows of the types it has definitions for. */
export interface JobCatalog {
  /** Defaults of a type; undefined for a type this process does not define. */
  defaultsOf(type: string): JobDefaults | undefined;
  /**
   * The payload as its schema reads it; unchanged for a type this process does not define.
   * @throws DaybookError `payload-invalid`
   */
  parsePayload(type: string, payload: unknown): unknown;
}

export interface JobDefaults {
  readonly queue?: string | undefined;
  readonly priority?: number | undefined;
  readonly maxAttempts?: number | undefined;
  readonly retryPolicy?: RetryPolicy | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Everything a command needs; made once per process. */
export interface WriteContext {
  readonly database: Database;
  readonly names: Names;
  readonly tenantId: number;
  readonly wakeUp: WakeUp;
  readonly observer: Observer;
  readonly catalog: JobCatalog;
  readonly coalescer: SubmitCoalescer;
  readonly backlogLimit: BacklogLimit;
  readonly jobWatch: JobWatch;
  /** Which job's handler is running, if one is. */
  readonly lineage: Lineage;
  readonly newId: () => string;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** The epoch of the log, for write tokens. */
  readonly epoch: () => number;
  readonly idempotencyTtlMs: number;
  /** The server is a streaming replica: what a token names may not have come here yet. */
  readonly isReplica?: boolean;
}

/** Who asks for a command, and where it is to be written. */
export interface CommandOptions {
  /** Who asked: a user, a service, an operator. */
  readonly actor?: string | undefined;
  /** What led to it: a request id, or the id of an event. */
  readonly causation?: string | undefined;
  /** One key for all that is submitted together; repeated, it answers the first jobs. */
  readonly idempotencyKey?: string | undefined;
  /** A client with an open transaction: the command commits, or not, with it. */
  readonly client?: Queryable | undefined;
}

/** What a handler's submissions come from: the job that it runs, and the claim that began it. */
export function ancestryOf(
  context: WriteContext,
  job: { readonly id: string; readonly version: number; readonly correlationId: string | null },
): Ancestry {
  return new JobAncestry(context, job);
}

/** A class because one is made for each job: a getter in a literal is defined anew each time. */
class JobAncestry implements Ancestry {
  readonly correlation: string;
  readonly #context: WriteContext;
  readonly #job: { readonly id: string; readonly version: number };

  constructor(context: WriteContext, job: Parameters<typeof ancestryOf>[1]) {
    this.correlation = job.correlationId ?? job.id;
    this.#context = context;
    this.#job = job;
  }

  /** Hashed only where it is asked for: most handlers submit nothing. */
  get causation(): string {
    return uuidV5(this.#job.id, this.#context.epoch(), this.#job.version);
  }
}

/** The options of a command, led to by the handler that gives it unless its caller says otherwise. */
export function traced(context: WriteContext, options: CommandOptions): CommandOptions {
  const ancestry = options.causation === undefined ? context.lineage.current() : undefined;
  return ancestry === undefined ? options : { ...options, causation: ancestry.causation };
}

/** Where a command's statements run: in the caller's transaction, if there is one. */
export function executorFor(context: WriteContext, options: CommandOptions): Executor {
  return options.client === undefined ? context.database : context.database.on(options.client);
}
