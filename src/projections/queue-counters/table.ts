import type { ReadModelPlace, ReadModelTable } from '../../consumers/consumer.ts';
import { eventTypeCodes as types } from '../../domain/event-types.ts';

/** Under this name readers find the table of the live build. */
export const queueCountersName = 'queue_counters';

/**
 * One row per queue: how many of its jobs stand where, and how often what has happened in it.
 * Every update is HOT: no column but the key is indexed, and pages have room for new versions.
 */
export const queueCountersTable: ReadModelTable = {
  name: queueCountersName,
  create: (table, prefix) => [
    `create table ${table} (
      queue_id integer not null,
      waiting bigint not null,
      running bigint not null,
      completed bigint not null,
      dead bigint not null,
      cancelled bigint not null,
      submitted bigint not null,
      started bigint not null,
      failed bigint not null,
      retried bigint not null,
      interrupted bigint not null,
      constraint ${prefix}_pkey primary key (queue_id)
    ) with (fillfactor = 30, autovacuum_vacuum_scale_factor = 0,
            autovacuum_vacuum_threshold = 1000)`,
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

/** The counters, in the order of the rules. */
const counters = [
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
 * Adds what the events of a range change to the counters, one write per queue that changed. The range
 * is read once, and grouped into a few kinds per queue before any rule is looked at.
 * Locks: the rows it writes, in queue order. Indexes: events_pkey, the primary key.
 */
export const keepQueueCounters = ({ schema, table }: ReadModelPlace): string => `
    with counted as materialized (
      select e.queue_id,
        case when e.type = ${types.JobRetried} and e.data ? 'revived' then ${revived}
             else e.type end as kind,
        case when e.type = ${types.JobMoved} then e.data ->> 'from' end as moved_from,
        count(*) as n
      from ${schema}.events e
      where e.position > $1 and e.position <= $2 and e.type <= ${types.QueueCreated}
      group by 1, 2, 3
    ),
    kinds as (
      select queue_id, kind, n from counted
      union all
      select origin.id, ${movedAway}, c.n
      from counted c
      join ${schema}.queues target on target.id = c.queue_id
      join ${schema}.queues origin
        on origin.tenant_id = target.tenant_id and origin.name = c.moved_from
    )
    insert into ${table(queueCountersName)} as q (queue_id, ${counters.join(', ')})
    select k.queue_id, ${counters.map((counter) => `sum(k.n * rule.${counter})`).join(', ')}
    from kinds k join ${rules} on rule.kind = k.kind
    group by k.queue_id order by k.queue_id
    on conflict (queue_id) do update set
      ${counters.map((counter) => `${counter} = q.${counter} + excluded.${counter}`).join(', ')}
`;
