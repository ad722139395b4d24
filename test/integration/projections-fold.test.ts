import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFailureGroupRows } from '../support/failure-group-rows.ts';
import { inOrder, readMetricsRows } from '../support/metrics-rows.ts';
import { applyLive, prepareReadModels } from '../support/read-models.ts';
import { passLogTime, timed, type TimedEvent } from '../support/timed-events.ts';
import type { RecordedJobEvent } from '../../src/domain/job/events.ts';
import { evolveJob } from '../../src/domain/job/evolve.ts';
import type { JobState } from '../../src/domain/job/state.ts';
import { statusCodes } from '../../src/projections/job-status/status-codes.ts';
import { errorFingerprint } from '../../src/domain/job/error-fingerprint.ts';
import { sha256 } from '../../src/kernel/ids.ts';
import {
  createFailureGroupsFold,
  type FailureGroupsFold,
} from '../../src/projections/failure-groups/fold.ts';
import { createMetricsFold, type MetricsFold } from '../../src/projections/job-metrics/fold.ts';
import { errorMessageLength } from '../../src/projections/job-status/table.ts';
import { readQueueCounters } from '../../src/projections/queue-counters/queries.ts';
import { projections } from '../../src/projections/registry.ts';
import { decodeEvent } from '../../src/store/event-codec.ts';
import { defineStatement } from '../../src/store/statement.ts';
import { readHead } from '../../src/store/statements/read-head.ts';
import { readLog } from '../../src/store/statements/read-log.ts';
import { stopPostgres15, versionsUnderTest } from '../support/postgres-servers.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';
import { move, type Move, play, queues } from './projections-history.ts';

afterAll(() => stopPostgres15());

const fail: Move = {
  kind: 'fail',
  pick: 0,
  retryable: true,
  delayMs: 0,
  message: 'order 17 is gone',
};
const claim: Move = { kind: 'claim', queue: 'mail', limit: 1, suspects: false };
/** A job that fails, is retried, and dies of the same: chance does not always bring one. */
const opening: readonly Move[] = [
  { kind: 'submit', jobs: [{ type: 'send', queue: 'mail', maxAttempts: 2 }] },
  claim,
  fail,
  claim,
  fail,
];

let db: TestDatabase;

/** The whole log, once everything is in it. */
async function readEvents(): Promise<TimedEvent[]> {
  const client = await db.connect();
  await expect.poll(async () => (await client.query('select from event_inbox')).rowCount).toBe(0);
  const rows = await db.database.run(readLog, { afterPosition: 0n, limit: 1_000_000 });
  const events = rows.map((row) => decodeEvent(row)).filter((event) => event !== undefined);
  return timed(db, events);
}

interface Fold {
  readonly jobs: Map<string, JobState & { position: bigint }>;
  readonly totals: Map<string, Record<(typeof totals)[number], number>>;
  readonly metrics: MetricsFold;
  readonly failures: FailureGroupsFold;
}
const totals = ['submitted', 'started', 'failed', 'retried', 'interrupted'] as const;
const totalOf: Readonly<Record<string, (typeof totals)[number]>> = {
  JobSubmitted: 'submitted',
  JobClaimed: 'started',
  JobFailed: 'failed',
  JobRetried: 'retried',
  JobInterrupted: 'interrupted',
};

function emptyFold(): Fold {
  return {
    jobs: new Map(),
    totals: new Map(),
    metrics: createMetricsFold(),
    failures: createFailureGroupsFold(),
  };
}

function foldOnto(fold: Fold, { event, recordedAtMs }: TimedEvent): void {
  fold.metrics.add(event, recordedAtMs);
  fold.failures.add(event);
  const counts = fold.totals.get(event.queue) ?? {
    submitted: 0,
    started: 0,
    failed: 0,
    retried: 0,
    interrupted: 0,
  };
  fold.totals.set(event.queue, counts);
  const total = totalOf[event.type];
  if (total !== undefined) counts[total] += 1;
  if (event.type.startsWith('Queue')) return;
  const job = event as RecordedJobEvent;
  const before = fold.jobs.get(job.streamId) ?? null;
  fold.jobs.set(job.streamId, { ...evolveJob(before, job), position: job.position ?? 0n });
}

/** As Postgres counts characters: by code points. */
function beginning(text: string): string {
  return Array.from(text).slice(0, errorMessageLength).join('');
}

/** A job as the table should have it. */
function expectedRow(state: JobState & { position: bigint }) {
  return {
    job_id: state.id,
    tenant_id: 1,
    queue: state.queue,
    type: state.type,
    status: statusCodes[state.status],
    retrying: state.retrying,
    priority: state.priority,
    failures: state.failures,
    max_attempts: state.maxAttempts,
    run_at: state.runAtMs,
    submitted_at: state.submittedAtMs,
    started_at: state.startedAtMs,
    ended_at: state.endedAtMs,
    error_fingerprint: state.lastError && errorFingerprint(state.type, state.lastError, sha256),
    error_name: state.lastError?.name ?? null,
    error_message: state.lastError && beginning(state.lastError.message),
    tags: state.tags.length === 0 ? null : state.tags,
    unique_key: state.uniqueKey,
    correlation: state.correlation,
    position: state.position,
    version: state.version,
  };
}

const readJobStatus = defineStatement<Record<string, never>, ReturnType<typeof expectedRow>>({
  name: 'test-read-job-status',
  sql: (schema) => `
    select j.job_id, j.tenant_id, q.name as queue, type.name as type, j.status, j.retrying,
      j.priority, j.failures, j.max_attempts, j.run_at, j.submitted_at, j.started_at, j.ended_at,
      replace(j.error_fingerprint::text, '-', '') as error_fingerprint, j.error_name,
      j.error_message, j.tags, j.unique_key, j.correlation, j.position, j.version
    from ${schema}.job_status j
    left join ${schema}.queues q on q.id = j.queue_id
    left join ${schema}.job_types type on type.id = j.type_id
    order by j.job_id`,
  values: () => [],
});

async function expectEqual(fold: Fold): Promise<void> {
  const rows = await db.database.run(readJobStatus, {});
  const states = [...fold.jobs.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  expect(rows).toEqual(states.map((state) => expectedRow(state)));
  const ids = await db.context.names.queueIds(queues);
  const counters = await readQueueCounters(db.database, 1, [...ids.values()]);
  for (const name of queues) {
    const inQueue = states.filter((state) => state.queue === name);
    const count = (status: string) => inQueue.filter((state) => state.status === status).length;
    const queueId = ids.get(name) ?? 0;
    const zeros = { submitted: 0, started: 0, failed: 0, retried: 0, interrupted: 0 };
    expect({ name, ...counters.get(queueId) }).toEqual({
      name,
      queueId,
      waiting: count('waiting'),
      running: count('running'),
      completed: count('completed'),
      dead: count('dead'),
      cancelled: count('cancelled'),
      ...(fold.totals.get(name) ?? zeros),
    });
  }
  expect(await readMetricsRows(db)).toEqual(inOrder(fold.metrics.rows()));
  const groups = fold.failures.rows().toSorted((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
  expect(await readFailureGroupRows(db)).toEqual(groups);
}

/** Applies the log from `after` on, and compares after every batch. */
async function applyAndCompare(
  events: readonly TimedEvent[],
  fold: Fold,
  after: number,
  batch: number,
): Promise<void> {
  for (let from = after; from < events.length; from += batch) {
    const upTo = Math.min(from + batch, events.length);
    const range = { after: BigInt(from), upTo: BigInt(upTo) };
    for (const projection of projections) {
      expect(await applyLive(db.database, projection.name, range)).toBe(true);
    }
    for (const event of events.slice(from, upTo)) foldOnto(fold, event);
    await expectEqual(fold);
  }
}

/** From one history to the next, in ms: buckets end within batches, and batches within buckets. */
const later = fc.constantFrom(0, 20_000, 61_000, 3_700_000, 90_000_000);

const forget = defineStatement<Record<string, never>, never>({
  name: 'test-forget-read-models',
  sql: (schema) => `
    with emptied as (delete from ${schema}.job_status),
    emptied_too as (delete from ${schema}.queue_counters),
    without_spans as (delete from ${schema}.job_spans),
    without_snapshots as (delete from ${schema}.queue_counter_snapshots),
    emptied_as_well as (delete from ${schema}.job_metrics),
    emptied_also as (delete from ${schema}.failure_groups)
    update ${schema}.consumer_checkpoints set position = 0`,
  values: () => [],
});

describe.each(versionsUnderTest())('the read models, on Postgres %i,', (postgres) => {
  beforeAll(async () => {
    db = await createTestDatabase({ postgres, sequencer: true });
    await prepareReadModels(db.database);
    await db.context.names.queueIds(queues);
  });
  afterAll(() => db.drop());

  it('equal the fold of the log, after batches of any size', async () => {
    await play(db, opening);
    const fold = emptyFold();
    let seen = 0;
    const history = fc.array(move, { minLength: 30, maxLength: 60, size: 'max' });
    await fc.assert(
      fc.asyncProperty(
        history,
        fc.constantFrom(1, 2, 7, 1_000),
        later,
        async (moves, batch, ms) => {
          await passLogTime(db, ms);
          await play(db, moves);
          const events = await readEvents();
          await applyAndCompare(events, fold, seen, batch);
          seen = events.length;
        },
      ),
      // What one history leaves the next one builds upon, so there is nothing to shrink to.
      { numRuns: 16, endOnFailure: true },
    );
    const types = new Set((await readEvents()).map(({ event }) => event.type));
    expect([...types].toSorted()).toEqual([
      'JobCancelRequested',
      'JobCancelled',
      'JobClaimed',
      'JobCompleted',
      'JobDead',
      'JobEdited',
      'JobFailed',
      'JobInterrupted',
      'JobMoved',
      'JobRescheduled',
      'JobRetried',
      'JobSnoozed',
      'JobSubmitted',
      'PayloadErased',
      'QueueCreated',
    ]);
  }, 600_000);

  it.each([7, 100, 20_000])('are the same when built anew in batches of %i', async (batch) => {
    await db.database.run(forget, {});
    const events = await readEvents();
    expect(events.length).toBeGreaterThan(500);
    expect(await db.database.run(readHead, {})).toMatchObject([
      { position: BigInt(events.length) },
    ]);
    const fold = emptyFold();
    for (const event of events) foldOnto(fold, event);
    for (let from = 0; from < events.length; from += batch) {
      const range = { after: BigInt(from), upTo: BigInt(Math.min(from + batch, events.length)) };
      for (const projection of projections) await applyLive(db.database, projection.name, range);
    }
    await expectEqual(fold);
    const buckets = new Set(fold.metrics.rows().map(({ step, bucketMs }) => `${step} ${bucketMs}`));
    expect(buckets.size).toBeGreaterThan(3);
    const groups = fold.failures.rows();
    expect(groups.some(({ failures, dead }) => dead > 0 && failures > dead)).toBe(true);
  });
});
