import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { closedError, guarded } from './commands/guarded.ts';
import { createJobWatch } from './commands/read/job-watch.ts';
import { createBacklogLimit } from './commands/submit/backlog-limit.ts';
import { createSubmitCoalescer } from './commands/submit/submit-coalescer.ts';
import { createJobDesk, type JobDesk } from './commands/job-desk.ts';
import type { WriteContext } from './commands/write-context.ts';
import {
  caretakerOptions,
  databaseOptions,
  type DatabaseSettings,
  parseOptions,
  type RelayOptions,
  workerOptions,
  type WorkerSettings,
} from './config/options.ts';
import { onlyDefined } from './config/only-defined.ts';
import { prepareConsumers } from './consumers/builds/prepare-consumers.ts';
import { type ConsumerControl, createConsumerControl } from './consumers/consumer-control.ts';
import type { Consumer, EventConsumer, Projection } from './consumers/consumer.ts';
import {
  createSubscriptionControl,
  type SubscriptionControl,
} from './consumers/groups/subscription-control.ts';
import { createLogReading, type LogReading } from './consumers/tail/log-reading.ts';
import { dutiesOf, type HouseDuty, housekeeping } from './housekeeping.ts';
import { type Clock, systemClock } from './kernel/clock.ts';
import { DaybookError } from './kernel/errors.ts';
import { createUuidV7 } from './kernel/ids.ts';
import { createLineage } from './kernel/lineage.ts';
import { type Observer, silentObserver } from './kernel/observer.ts';
import type { Service } from './kernel/service.ts';
import { readBacklogs } from './projections/queue-counters/queries.ts';
import { projections } from './projections/registry.ts';
import { type Database, openDatabase } from './store/database.ts';
import { createEpochControl, type EpochControl } from './store/epoch/epoch-control.ts';
import { followEpoch } from './store/epoch/follow-epoch.ts';
import { mustBePrepared, prepareLog } from './store/epoch/prepare-log.ts';
import { migrate } from './store/migrate.ts';
import { createNames } from './store/names.ts';
import { channelOf, createWakeUp } from './store/wake-up.ts';
import { type Exported, exportLog, type ExportOptions } from './transfer/export-log.ts';
import { createProof, type Proof } from './verify/proof.ts';
import type { JobDefinition } from './workers/definitions/define-job.ts';
import { createDefinitions, type Definitions } from './workers/definitions/job-catalog.ts';
import type { Middleware } from './workers/job-context.ts';
import { createBeatThreads } from './workers/session/beat-threads.ts';
import { createWorker, type Worker } from './workers/worker.ts';

export type { JobDesk, JobEdit, ReasonOptions } from './commands/job-desk.ts';
export type { HouseDuty } from './housekeeping.ts';
export type { JobChanged } from './commands/change/change-jobs.ts';
export type { CommandOptions } from './commands/write-context.ts';
export type { Explanation } from './commands/read/explain-job.ts';
export type { Replay, ReplayOptions } from './commands/submit/replay-jobs.ts';
export type { At, Moment } from './commands/read/moment.ts';
export type { JobSnapshot, ReadOptions } from './commands/read/read-job.ts';
export type { Queue } from './commands/change/change-queue.ts';
export type { SubmittedJob } from './commands/submit/prepare-job.ts';
export type { EventsOptions } from './consumers/tail/event-iterator.ts';
export type { LoggedEvent } from './consumers/tail/log-page.ts';
export type { EventFilter } from './domain/event-filter.ts';
export type { Reset, SignalListeners } from './domain/log-signals.ts';
export type { JobError, JobEventData, RecordedJobEvent } from './domain/job/events.ts';
export type { ConsumerControl, ParkedEvent } from './consumers/consumer-control.ts';
export type { ConsumerLag } from './consumers/lag.ts';
export type { Delivery, Received } from './consumers/groups/receive.ts';
export type { DeliveryAnswer, DeliveryOutcome } from './consumers/groups/settle.ts';
export type { SubscriptionPlan } from './consumers/groups/subscription.ts';
export type { SubscriptionControl } from './consumers/groups/subscription-control.ts';
export type { EpochControl, LogEpoch } from './store/epoch/epoch-control.ts';
export type { OpenedEpoch } from './store/epoch/new-epoch.ts';
export type { RecordedEvent } from './store/event-codec.ts';
export type {
  EventConsumer,
  HandlerContext,
  PoisonPolicy,
  Projection,
  ReadModelPlace,
  ReadModelTable,
} from './consumers/consumer.ts';
export type { NewJob } from './domain/job/new-job.ts';
export { evolveJob, foldJob } from './domain/job/evolve.ts';
export { type JobPhase, type JobState, phaseOf } from './domain/job/state.ts';
export type { RetryPolicy } from './domain/retry-policy.ts';
export type { ErrorCode } from './kernel/error-catalogue.ts';
export { DaybookError, isDaybookError } from './kernel/errors.ts';
export type { Observer } from './kernel/observer.ts';
export { NotRetryableError, snooze } from './workers/definitions/control-flow.ts';
export {
  type CustomRetry,
  defineJob,
  type JobDefinition,
} from './workers/definitions/define-job.ts';
export type { RebuildClaimsOptions, RebuiltClaims } from './verify/rebuild/rebuild-claims.ts';
export type { Difference, VerifyReport } from './verify/report.ts';
export type { SafetyOptions, SafetyReport } from './verify/safety/safety-check.ts';
export type { SafetyRule, Violation } from './verify/safety/violation.ts';
export type { Exported, ExportOptions } from './transfer/export-log.ts';
export type { ClientRecord } from './verify/safety/witnesses/client-record.ts';
export {
  type ClientRecords,
  parseClientRecords,
  sortClientRecords,
} from './verify/safety/witnesses/client-records.ts';
export type { VerifyOptions, VerifyProgress } from './verify/verify.ts';
export { JobAborted, type JobContext, type Middleware } from './workers/job-context.ts';
export type { Worker } from './workers/worker.ts';

/** The version of this package. */
export function readVersion(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}

export interface DaybookOptions extends DatabaseSettings {
  /** A `pg` pool of your own instead of a connection string; it is used, and never ended. */
  readonly pool?: pg.Pool;
  /** Definitions of this process: submissions are checked against them, workers run them. */
  readonly jobs?: readonly JobDefinition[];
  /** Runs around every handler, the first outermost. */
  readonly middleware?: readonly Middleware[];
  /** Projections and reactions of your own, beside Daybook's. Run by processes that `maintain`. */
  readonly consumers?: readonly (EventConsumer | Projection)[];
  /** The log to KurrentDB; left out, nothing of it is loaded. Run by processes that `maintain`. */
  readonly relay?: RelayOptions;
  /** Told what happens, for metrics and logs; default: nobody. */
  readonly observer?: Observer;
  /**
   * Whether this process helps to keep the house: sequencer, read models, caretaker, relay. Of all that do,
   * one at a time works, so the default is yes; switch it off for short-lived processes, or name
   * the parts that this one helps with.
   */
  readonly maintain?: boolean | readonly HouseDuty[];
  readonly caretaker?: { readonly expiryMs?: number };
  /** Paces loops; tests may bring their own. */
  readonly clock?: Clock;
}

/**
 * Daybook in your process. Every method throws DaybookError with a stable code, and `closed` after
 * `close`. Only what your own `client` answers (that its transaction is aborted or was not
 * serializable, say) comes as the driver throws it.
 */
export interface Daybook extends JobDesk, Proof, LogReading {
  /** A worker for the definitions given to `openDaybook`; call its `start`. Stopped by `close`. */
  worker(options?: WorkerSettings): Worker;
  /** Stops workers (gracefully), then everything else. */
  close(): Promise<void>;
  /** For those that build on the write side: the HTTP server, tests. */
  readonly context: WriteContext;
  /** What this process can run. */
  readonly definitions: Definitions;
  readonly middleware: readonly Middleware[];
  /** Consumers of the log: how far they are, and what operators do with them. */
  readonly consumers: ConsumerControl;
  /** Named readers of the log whose place Daybook keeps, and what their members are handed. */
  readonly subscriptions: SubscriptionControl;
  /** The epochs of the log. */
  readonly epochs: EpochControl;
  /**
   * The log as lines of NDJSON without line breaks, as `daybook export` writes them; see
   * docs/guides/restores.md. @throws DaybookError `export-incomplete`
   */
  exportLog(options?: ExportOptions): AsyncGenerator<string, Exported>;
}

/**
 * Opens Daybook on a Postgres 15 or later.
 * @throws DaybookError `invalid-options`, `database-unavailable`, `migration-needed`, `read-only` on a
 *   standby without the option `readOnly`
 */
export async function openDaybook(options: DaybookOptions): Promise<Daybook> {
  const { jobs = [], middleware = [], observer = silentObserver, clock = systemClock } = options;
  const { pool, maintain = true, caretaker, relay, ...settings } = withoutParts(options);
  const parsed = parseOptions(databaseOptions, settings);
  const { readOnly } = parsed;
  const { expiryMs } = parseOptions(caretakerOptions, caretaker ?? {});
  const definitions = createDefinitions(jobs);
  const consumers: readonly Consumer[] = [...projections, ...(options.consumers ?? [])];
  const database = openDatabase({
    ...onlyDefined(parsed),
    ...(pool === undefined ? {} : { pool }),
    prepare: parsed.preparedStatements ?? 'if-direct',
    observer,
    clock,
  });
  const services: Service[] = [];
  const workers: Worker[] = [];
  try {
    const context = await prepare(database, parsed, definitions, observer, clock);
    const reading = createLogReading({ ...context, clock });
    if (!readOnly) {
      await prepareConsumers(database, consumers, observer);
      services.push(context.wakeUp, context.backlogLimit);
      const { partitionSpan } = parsed;
      const house = { context, consumers, clock, expiryMs, partitionSpan, relay };
      services.push(...(await housekeeping(house, dutiesOf(maintain))));
    }
    for (const service of services) await service.start();
    const beatThreads = createBeatThreads();
    const version = readVersion();
    const parts = { context, definitions, middleware, clock, version, beatThreads };
    const makeWorker = (workerSettings: WorkerSettings = {}): Worker => {
      if (closing !== null) throw closedError();
      if (readOnly) throw new DaybookError('read-only', 'A Daybook that only reads runs no jobs.');
      const worker = createWorker(parts, parseOptions(workerOptions, workerSettings));
      workers.push(worker);
      return worker;
    };
    let closing: Promise<void> | null = null;
    let closed = false;
    const close = async () => {
      // Handlers that still run may submit, so nothing is refused before they have ended.
      await Promise.all(workers.map((worker) => worker.stop()));
      await reading.tail.stop();
      closed = true;
      for (const service of services.toReversed()) await service.stop();
      await database.close();
    };
    return {
      ...guarded(
        { ...createJobDesk(context, clock), ...createProof(database, clock) },
        () => closed,
      ),
      context,
      ...reading,
      definitions,
      middleware,
      consumers: createConsumerControl(database, context.wakeUp, consumers),
      subscriptions: createSubscriptionControl({ ...context, clock }),
      epochs: createEpochControl(database, observer),
      exportLog: (wanted) => exportLog(database, wanted),
      worker: makeWorker,
      close: () => (closing ??= close()),
    };
  } catch (error) {
    for (const service of services.toReversed()) await service.stop();
    await database.close();
    throw error;
  }
}

async function prepare(
  database: Database,
  options: ReturnType<typeof databaseOptions.parse>,
  definitions: Definitions,
  observer: Observer,
  clock: Clock,
): Promise<WriteContext> {
  const { schema, directConnectionString, partitionSpan } = options;
  const connection =
    directConnectionString === undefined
      ? database.connection
      : { connectionString: directConnectionString };
  if (options.migrate) await migrate({ connection, schema });
  if (options.readOnly) await mustBePrepared(database);
  else await prepareLog(database, partitionSpan, observer);
  const newId = createUuidV7(() => clock.nowMs());
  const tenantId = 1;
  const names = createNames(database, tenantId);
  await names.warm();
  const wakeUp = createWakeUp({
    connection,
    channel: channelOf(schema),
    processId: newId(),
    observer,
    clock,
    random: Math.random,
  });
  const onChange = () => names.forget();
  const maxWaiting = options.maxWaiting ?? null;
  return {
    database,
    tenantId,
    names,
    wakeUp,
    observer,
    catalog: definitions,
    coalescer: createSubmitCoalescer(database, tenantId, clock),
    backlogLimit: createBacklogLimit({
      read: () => readBacklogs(database.beside, { tenantId, maxWaiting }),
      clock,
      observer,
      random: Math.random,
    }),
    jobWatch: createJobWatch({ database, tenantId, wakeUp, clock }),
    lineage: createLineage(),
    newId,
    random: Math.random,
    epoch: await followEpoch({ database, wakeUp, clock, observer, onChange }),
    idempotencyTtlMs: options.idempotencyTtlMs,
    isReplica: options.readOnly,
  };
}

/** What is left of the options once those that are no plain values are taken. */
function withoutParts(options: DaybookOptions) {
  const {
    jobs: _jobs,
    consumers: _consumers,
    middleware: _middleware,
    observer: _observer,
    clock: _clock,
    ...rest
  } = options;
  return rest;
}
