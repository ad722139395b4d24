import type { PositionRange } from '../../consumers/consumer.ts';
import type { Database } from '../../store/database.ts';
import { defineStatement, type Executor } from '../../store/statement.ts';
import { landmarkBefore } from '../landmarks.ts';
import { runPlanned } from '../run-planned.ts';
import { queueCounters } from './projection.ts';
import { countDeltas, counters, counterSnapshotsName, queueCountersName } from './table.ts';

/** The counters of a queue; all of them 0 for one that nothing has happened in. */
export interface QueueCounters {
  readonly queueId: number;
  /** Jobs that stand there now. */
  readonly waiting: number;
  readonly running: number;
  readonly completed: number;
  readonly dead: number;
  readonly cancelled: number;
  /** What has happened in the queue since its first job. */
  readonly submitted: number;
  readonly started: number;
  readonly failed: number;
  readonly retried: number;
  readonly interrupted: number;
}

export type CountersRow = Record<Exclude<keyof QueueCounters, 'queueId'>, bigint> & {
  readonly queue_id: number;
};

const readCounters = defineStatement<
  { readonly tenantId: number; readonly queueIds: readonly number[] },
  CountersRow
>({
  name: 'read-queue-counters',
  sql: (schema) => `
    select q.id as queue_id, coalesce(c.waiting, 0) as waiting, coalesce(c.running, 0) as running,
      coalesce(c.completed, 0) as completed, coalesce(c.dead, 0) as dead,
      coalesce(c.cancelled, 0) as cancelled, coalesce(c.submitted, 0) as submitted,
      coalesce(c.started, 0) as started, coalesce(c.failed, 0) as failed,
      coalesce(c.retried, 0) as retried, coalesce(c.interrupted, 0) as interrupted
    from ${schema}.queues q left join ${schema}.${queueCountersName} c on c.queue_id = q.id
    where q.tenant_id = $1 and q.id = any ($2::int[])`,
  values: ({ tenantId, queueIds }) => [tenantId, queueIds],
});

/** The counters of queues, by their numbers; those of another tenant are absent. Locks: none. */
export async function readQueueCounters(
  database: Executor,
  tenantId: number,
  queueIds: readonly number[],
): Promise<Map<number, QueueCounters>> {
  return countersOf(await database.run(readCounters, { tenantId, queueIds }));
}

/** A queue that has a limit. */
export interface LimitedQueue {
  readonly queue: string;
  /** Jobs that wait in it. */
  readonly waiting: number;
  readonly maxWaiting: number;
}

interface BacklogRow {
  readonly queue: string;
  readonly waiting: bigint;
  readonly max_waiting: bigint;
  /** For how long what the counters lack has been written, in seconds. */
  readonly lag_seconds: number;
}

interface BacklogsParams {
  readonly tenantId: number;
  /** Of queues that name no number of their own; null for none. */
  readonly maxWaiting: number | null;
}

const readLimited = defineStatement<BacklogsParams, BacklogRow>({
  name: 'read-backlogs',
  sql: (schema) => `
    with lag as materialized (
      select greatest(0, extract(epoch from statement_timestamp() - unread.recorded_at),
        extract(epoch from statement_timestamp() - unmoved.occurred_at))::float8 as seconds
      from ${schema}.log_head h
      left join ${schema}.consumer_checkpoints c on c.name = $3 and c.role = 'live'
      left join lateral (
        select b.recorded_at from ${schema}.log_batches b
        where b.last_position > coalesce(c.position, 0)
        order by b.last_position limit 1
      ) unread on true
      left join lateral (
        select i.occurred_at from ${schema}.event_inbox i where i.seq > h.highest_seq
        order by i.seq limit 1
      ) unmoved on true
    )
    select q.name as queue, coalesce(n.waiting, 0) as waiting,
      coalesce((q.settings ->> 'maxWaiting')::bigint, $2) as max_waiting,
      lag.seconds as lag_seconds
    from ${schema}.queues q cross join lag
    left join ${schema}.${queueCountersName} n on n.queue_id = q.id
    where q.tenant_id = $1 and ($2::bigint is not null or q.settings ? 'maxWaiting')
    limit 1000`,
  values: ({ tenantId, maxWaiting }) => [tenantId, maxWaiting, queueCounters.name],
});

/** Counters that lack what was written longer ago are no reason to refuse anything. */
const OUTDATED_S = 10;

/**
 * The queues that have a limit, by a setting of theirs or by a default; null where the counters are too
 * far behind to judge by. Locks: none. Indexes: event_inbox_pkey, log_batches_pkey; of queues there are
 * 1,000 at most.
 */
export async function readBacklogs(
  database: Executor,
  params: BacklogsParams,
): Promise<LimitedQueue[] | null> {
  const rows = await database.run(readLimited, params);
  if (rows.some((row) => row.lag_seconds > OUTDATED_S)) return null;
  return rows.map((row) => ({
    queue: row.queue,
    waiting: Number(row.waiting),
    maxWaiting: Number(row.max_waiting),
  }));
}

interface CountersAtParams {
  readonly position: bigint;
  readonly queueIds: readonly number[];
}

/**
 * The counters as of a position ($2): what they were at the landmark before it ($1), and what was
 * counted since. Locks: none. Indexes: the primary key of the snapshots by one probe per queue,
 * events_pkey between landmark and position.
 */
const readCountersAt = defineStatement<CountersAtParams, CountersRow>({
  name: 'read-queue-counters-at',
  sql: (schema) => `
    with ${countDeltas(schema)}
    select q.id as queue_id,
      ${counters.map((name) => `coalesce(s.${name}, 0) + coalesce(d.${name}, 0) as ${name}`).join(', ')}
    from unnest($3::int[]) as q (id)
    left join lateral (
      select * from ${schema}.${counterSnapshotsName} s
      where (s.queue_id, s.position) >= (q.id, 0) and (s.queue_id, s.position) <= (q.id, $1)
      order by s.queue_id desc, s.position desc limit 1
    ) s on true
    left join deltas d on d.queue_id = q.id`,
  values: ({ position, queueIds }) => [landmarkBefore(position), position, queueIds],
});

/** The counters of queues as of a position, which the read model must have read. Locks: none. */
export async function readQueueCountersAt(
  database: Database,
  params: CountersAtParams,
): Promise<Map<number, QueueCounters>> {
  return countersOf(await runPlanned(database, readCountersAt, params));
}

function countersOf(rows: readonly CountersRow[]): Map<number, QueueCounters> {
  return new Map(
    rows.map(({ queue_id: queueId, ...counts }) => [
      queueId,
      {
        queueId,
        waiting: Number(counts.waiting),
        running: Number(counts.running),
        completed: Number(counts.completed),
        dead: Number(counts.dead),
        cancelled: Number(counts.cancelled),
        submitted: Number(counts.submitted),
        started: Number(counts.started),
        failed: Number(counts.failed),
        retried: Number(counts.retried),
        interrupted: Number(counts.interrupted),
      },
    ]),
  );
}

type StoredCounters = CountersRow & { readonly position: bigint };

const readAllCounters = defineStatement<Record<string, never>, StoredCounters>({
  name: 'read-all-queue-counters',
  sql: (schema) => `select * from ${schema}.${queueCountersName} order by queue_id`,
  values: () => [],
});

/** The counters of every queue in which anything has happened, as they are stored. Locks: none. */
export async function readAllQueueCounters(executor: Executor): Promise<StoredCounters[]> {
  return executor.run(readAllCounters, {});
}

/**
 * The counters at the landmarks of a range, of whatever queues the table speaks of.
 * Locks: none. Index: the primary key, by two probes per queue.
 */
export const readCounterSnapshots = defineStatement<PositionRange, StoredCounters>({
  name: 'read-queue-counter-snapshots',
  sql: (schema) => `
    with recursive present as (
      (select s.queue_id from ${schema}.${counterSnapshotsName} s order by s.queue_id limit 1)
      union all
      select (select s.queue_id from ${schema}.${counterSnapshotsName} s
        where s.queue_id > p.queue_id order by s.queue_id limit 1)
      from present p where p.queue_id is not null
    )
    select s.* from present p
    cross join lateral (
      select * from ${schema}.${counterSnapshotsName} s
      where s.queue_id = p.queue_id and s.position > $1 and s.position <= $2
      order by s.queue_id, s.position limit 2147483647
    ) s`,
  values: ({ after, upTo }) => [after, upTo],
});
