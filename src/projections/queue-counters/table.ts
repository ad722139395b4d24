import type { ReadModelPlace, ReadModelTable } from '../../consumers/consumer.ts';
import { eventTypeCodes as types } from '../../domain/event-types.ts';
import { landmarkBits, landmarksBelow } from '../landmarks.ts';

/** Under these names readers find the tables of the live build. */
export const queueCountersName = 'queue_counters';
export const counterSnapshotsName = 'queue_counter_snapshots';

/** What is counted, in the order of the rules. */
export const counters = [
  'waiting',
  'running',
  'completed',
  'dead',
  'cancelled',
  'submitted',
  'started',
  'failed',
  'retried',
  'interrupted',
] as const;

/**
 * One row per queue: how many of its jobs stand where, and how often what has happened in it.
 * Every update is HOT: no column but the key is indexed, and pages have room for new versions.
 */
export const queueCountersTable: ReadModelTable = {
  name: queueCountersName,
  create: (table, prefix) => [
    `create table ${table} (
      queue_id integer not null,
      -- Of the last event that was counted.
      position bigint not null,
      ${counters.map((counter) => `${counter} bigint not null`).join(',\n      ')},
      constraint ${prefix}_pkey primary key (queue_id)
    ) with (fillfactor = 30, autovacuum_vacuum_scale_factor = 0,
            autovacuum_vacuum_threshold = 1000)`,
  ],
};

/**
 * The counters as they were at landmarks: of each queue in which something was counted since the
 * landmark before. Rows are only added. The newest one at or before a landmark is what held there.
 */
export const counterSnapshotsTable: ReadModelTable = {
  name: counterSnapshotsName,
  create: (table, prefix) => [
    `create table ${table} (
      queue_id integer not null,
      position bigint not null,
      ${counters.map((counter) => `${counter} bigint not null`).join(',\n      ')},
      constraint ${prefix}_pkey primary key (queue_id, position)
    )`,
  ],
};

/** JobRetried of a dead job: an operator brought it back. */
const revived = -types.JobRetried;
/** JobMoved, for the queue that the job has left. */
const movedAway = -types.JobMoved;

/**
 * What one event adds to the counters of its queue. That an event says where its job came from
 * without knowing the job is what `decideJob` and the SQL guards grant: a claim ends (failed,
 * interrupted, snoozed) before its job is dead or cancelled, and only waiting jobs are moved.
 */
const rules = `
  (values
    -- waiting, running, completed, dead, cancelled; submitted, started, failed, retried, interrupted
    (${types.JobSubmitted},    1,  0, 0,  0, 0,  1, 0, 0, 0, 0),
    (${types.JobClaimed},     -1,  1, 0,  0, 0,  0, 1, 0, 0, 0),
    (${types.JobCompleted},    0, -1, 1,  0, 0,  0, 0, 0, 0, 0),
    (${types.JobFailed},       1, -1, 0,  0, 0,  0, 0, 1, 0, 0),
    (${types.JobInterrupted},  1, -1, 0,  0, 0,  0, 0, 0, 0, 1),
    (${types.JobSnoozed},      1, -1, 0,  0, 0,  0, 0, 0, 0, 0),
    (${types.JobRetried},      0,  0, 0,  0, 0,  0, 0, 0, 1, 0),
    (${revived},               1,  0, 0, -1, 0,  0, 0, 0, 1, 0),
    (${types.JobDead},        -1,  0, 0,  1, 0,  0, 0, 0, 0, 0),
    (${types.JobCancelled},   -1,  0, 0,  0, 1,  0, 0, 0, 0, 0),
    (${types.JobMoved},        1,  0, 0,  0, 0,  0, 0, 0, 0, 0),
    (${movedAway},            -1,  0, 0,  0, 0,  0, 0, 0, 0, 0),
    (${types.QueueCreated},    0,  0, 0,  0, 0,  0, 0, 0, 0, 0)
  ) as rule (kind, waiting, running, completed, dead, cancelled,
             submitted, started, failed, retried, interrupted)`;

/**
 * SQL: `deltas`, what the events after $1 and up to $2 add to the counters, for each queue and each
 * stretch of the log between two landmarks. The range is read once, and grouped into a few kinds per
 * queue before any rule is looked at.
 */
export const countDeltas = (schema: string): string => `
    counted as materialized (
      select e.queue_id, ${landmarksBelow('e.position')} as stretch,
        case when e.type = ${types.JobRetried} and e.data ? 'revived' then ${revived}
             else e.type end as kind,
        case when e.type = ${types.JobMoved} then e.data ->> 'from' end as moved_from,
        count(*) as n, max(e.position) as position
      from ${schema}.events e
      where e.position > $1 and e.position <= $2 and e.type <= ${types.QueueCreated}
      group by 1, 2, 3, 4
    ),
    kinds as (
      select queue_id, stretch, kind, n, position from counted
      union all
      select origin.id, c.stretch, ${movedAway}, c.n, c.position
      from counted c
      join ${schema}.queues target on target.id = c.queue_id
      join ${schema}.queues origin
        on origin.tenant_id = target.tenant_id and origin.name = c.moved_from
    ),
    deltas as materialized (
      select k.queue_id, k.stretch, max(k.position) as position,
        ${counters.map((counter) => `sum(k.n * rule.${counter})::bigint as ${counter}`).join(', ')}
      from kinds k join ${rules} on rule.kind = k.kind
      group by k.queue_id, k.stretch
    )`;

const names = counters.join(', ');

/**
 * Adds what the events of a range change to the counters, one write per queue that changed, and
 * keeps what they were at each landmark in the range.
 * Locks: the rows it writes, in queue order. Indexes: events_pkey, the primary keys.
 */
export const keepQueueCounters = ({ schema, table }: ReadModelPlace): string => `
    with ${countDeltas(schema)},
    -- What was counted in stretches that end in the range, by this one or, in the first, before it.
    changed as (
      select queue_id, stretch, ${names} from deltas
      where (stretch + 1) << ${landmarkBits} <= $2
      union all
      select c.queue_id, $1 >> ${landmarkBits}, ${counters.map(() => '0').join(', ')}
      from ${table(queueCountersName)} c
      where $2 >> ${landmarkBits} > $1 >> ${landmarkBits}
        and c.position > ($1 >> ${landmarkBits} << ${landmarkBits})
    ),
    kept as (
      insert into ${table(counterSnapshotsName)} (queue_id, position, ${names})
      select s.queue_id, (s.stretch + 1) << ${landmarkBits}, ${counters
        .map((name) => `coalesce(c.${name}, 0) + sum(s.${name}) over whole`)
        .join(', ')}
      from (
        select queue_id, stretch, ${counters.map((name) => `sum(${name}) as ${name}`).join(', ')}
        from changed group by queue_id, stretch
      ) s
      left join ${table(queueCountersName)} c on c.queue_id = s.queue_id
      window whole as (partition by s.queue_id order by s.stretch)
    )
    insert into ${table(queueCountersName)} as q (queue_id, position, ${names})
    select queue_id, max(position), ${counters.map((name) => `sum(${name})`).join(', ')}
    from deltas group by queue_id order by queue_id
    on conflict (queue_id) do update set position = excluded.position,
      ${counters.map((name) => `${name} = q.${name} + excluded.${name}`).join(', ')}
`;
