import { defineStatement, now } from '../../store/statement.ts';
import {
  logPageFilter,
  logPageValues,
  type ReadLogPageParams,
} from '../../store/statements/log-page.ts';
import type { EventRow } from '../../store/statements/read-streams.ts';

export interface DeliverEventsParams extends ReadLogPageParams {
  readonly subscriptionId: bigint;
  /** What the subscription was when it was read; another one by now, and nothing happens. */
  readonly tick: bigint;
  readonly position: bigint;
  readonly member: string;
  readonly maxInFlight: number;
  readonly maxAttempts: number;
  readonly ackTimeoutMs: number;
  readonly inStreamOrder: boolean;
  /** Rows that wait, are parked or stand behind such, beyond which no new events are read. */
  readonly maxKept: number;
}

/** An event that was handed out; or nothing but the state, in one row whose position is null. */
export interface DeliveredRow extends Omit<EventRow, 'read_at'> {
  /** False: the subscription is not what it was when it was read. */
  readonly current: boolean;
  /** The place of the subscription lies beyond the end of the log, or of what is left of it. */
  readonly ahead: boolean;
  /** Something was due, or new: looking again may find what follows it. */
  readonly works: boolean;
  readonly reached: bigint;
  readonly head: bigint;
  readonly log_epoch: number;
  /** No new events were read, because too many are kept. */
  readonly full: boolean;
  /** Until the next event that is kept falls due, in ms; null if none will by itself. */
  readonly next_due_ms: number | null;
  readonly delivery: string;
  readonly attempts: number;
  /** Until when it is to be answered, in ms since the epoch. */
  readonly deadline: number;
}

/** Events that are looked at, at the most, to find as many as may be handed out. */
export function eventsFor(limit: number): number {
  return limit * 4 + 100;
}
const eventsForLimit = '$3::int * 4 + 100';

/** Rows looked at because their time has come, at the most. */
const DUE = 5_000;
/** A move over so many positions that fit nothing is written down at once; a shorter one each second. */
const FAR = 10_000;

/** What is kept of the subscription, and what of it has to be looked at. */
const kept = (schema: string) => `
    sub as materialized (
      select s.moved_at, h.position as head, h.epoch, s.read_position > h.position or exists (
          select from ${schema}.log_epochs e
          where e.epoch > s.epoch and e.after_position < s.read_position) as ahead
      from ${schema}.subscriptions s cross join ${schema}.log_head h
      where s.id = $10 and s.tick = $11
    ),
    kept as materialized (
      select count(*) as events, min(d.position) as first,
        count(*) filter (where d.state = 'in-flight' and d.due_at > ${now}) as in_flight
      from (
        select d.position, d.state, d.due_at from ${schema}.subscription_deliveries d
        where d.subscription_id = $10 and d.position > $12 and d.state <> 'settled'
        order by d.position limit $19::int + $15::int
      ) d
    ),
    room as materialized (
      select greatest(0, least($3::int, $15::int - kept.in_flight))::int as free,
        kept.events < $19::int as reads
      from kept cross join sub where not sub.ahead
    ),
    due as materialized (
      select d.* from room
      cross join lateral (
        select d.ctid as row_at, d.position, d.stream_id, d.state, d.attempts
        from ${schema}.subscription_deliveries d
        where d.subscription_id = $10 and d.due_at <= ${now}
        order by d.due_at, d.position limit ${DUE}
        for update of d skip locked
      ) d
    ),
    freed as materialized (
      select f.row_at, f.position from due
      cross join lateral (
        select f.ctid as row_at, f.position, f.state from ${schema}.subscription_deliveries f
        where f.stream_id = due.stream_id and f.position + 0 > due.position
          and f.subscription_id = $10
        order by f.position + 0 limit 1
      ) f
      where due.state = 'settled' and f.state = 'behind'
    ),
    turn as materialized (
      select c.row_at, row_number() over (order by c.position) <= room.free as handed
      from (
        select row_at, position from due
        where state = 'waiting' or (state = 'in-flight' and attempts < $16::int)
        union all
        select row_at, position from freed
      ) c cross join room
    ),
    rest as materialized (
      select room.reads, room.free - (select count(*) from turn where handed) as free from room
    )`;

/**
 * New events, up to as many that may be handed out as there is room for. Between them stand those
 * behind an earlier one of their stream.
 */
const fresh = (schema: string) => `
    looked as materialized (
      select f.position, f.stream_id, f.ready, sum(f.ready::int) over (order by f.position) as place
      from (
        select e.position, e.stream_id, not $18::boolean or (held.there is null and
          row_number() over (partition by e.stream_id order by e.position) = 1) as ready
        from (
          select e.position, e.stream_id from ${schema}.events e
          where (select reads and free > 0 from rest)
            and e.position > $2 and e.position <= $2::bigint + $14::int and ${logPageFilter(schema)}
          order by e.position limit ${eventsForLimit}
        ) e
        left join lateral (
          select true as there from ${schema}.subscription_deliveries d
          where d.stream_id = e.stream_id and d.state <> 'settled' and d.subscription_id = $10
          order by d.position + 0 limit 1
        ) held on true
      ) f
    ),
    taken as materialized (
      select l.position, l.stream_id, l.ready from looked l cross join rest
      where l.place - l.ready::int < rest.free
    ),
    looks as materialized (
      select (select count(*) from looked) as seen, count(*) as used, min(position) as first,
        max(position) as last
      from taken
    ),
    plan as materialized (
      select m.*, coalesce(least(kept.first, looks.first), m.reached + 1) - 1 as settled_until
      from sub cross join rest cross join looks cross join kept
      cross join lateral (
        select looks.used > 0 or exists (select from due) as works,
          case when not rest.reads or rest.free <= 0 then $2::bigint
            when looks.used < looks.seen or looks.seen >= ${eventsForLimit}
              then coalesce(looks.last, $2::bigint)
            else greatest($2::bigint, least(sub.head, $2::bigint + $14::int)) end as reached
      ) m
    )`;

/** The changes, all of which hang on the subscription being what it was. */
const changes = (schema: string) => `
    locked as (
      update ${schema}.subscriptions s
      set tick = s.tick + 1, read_position = plan.reached, position = plan.settled_until,
          epoch = sub.epoch, moved_at = ${now}
      from plan cross join sub
      where s.id = $10 and s.tick = $11 and (plan.works or plan.reached - $2 >= ${FAR}
        or (plan.reached > $2 and sub.moved_at < ${now} - interval '1 second'))
      returning s.id
    ),
    removed as (
      delete from ${schema}.subscription_deliveries d
      where exists (select from locked)
        and d.ctid = any (array(select row_at from due where state = 'settled'))
    ),
    given_up as (
      update ${schema}.subscription_deliveries d
      set state = 'parked', due_at = null, delivery = null, changed_at = ${now},
          reason = 'not answered in time by ' || coalesce(d.member, '?')
      where exists (select from locked) and d.ctid = any (array(
        select row_at from due where state = 'in-flight' and attempts >= $16::int))
    ),
    put_off as (
      update ${schema}.subscription_deliveries d
      set state = 'waiting', due_at = ${now}, changed_at = ${now}
      where exists (select from locked) and d.state = 'behind'
        and d.ctid = any (array(select row_at from turn where not handed))
    ),
    handed as (
      update ${schema}.subscription_deliveries d
      set state = 'in-flight', due_at = ${now} + make_interval(secs => $17::int / 1000.0),
          delivery = gen_random_uuid(), member = $13, attempts = d.attempts + 1, changed_at = ${now}
      where exists (select from locked)
        and d.ctid = any (array(select row_at from turn where handed))
      returning d.position, d.delivery, d.attempts, d.due_at
    ),
    added as (
      insert into ${schema}.subscription_deliveries
        (subscription_id, position, stream_id, state, due_at, delivery, member, attempts, changed_at)
      select $10, t.position, t.stream_id, case when t.ready then 'in-flight' else 'behind' end,
        case when t.ready then ${now} + make_interval(secs => $17::int / 1000.0) end,
        case when t.ready then gen_random_uuid() end, case when t.ready then $13 end,
        t.ready::int, ${now}
      from taken t where exists (select from locked) order by t.position
      returning position, delivery, attempts, due_at
    ),
    out as materialized (
      select * from handed union all select * from added where delivery is not null
    )`;

/**
 * Hands events of a subscription out to a member, in one statement: takes settled ones out of the
 * table, lets those behind them follow, hands out again what waits or was not answered in time, parks
 * what was handed out too often, and reads on in the log where there is room.
 * Nothing is written where nothing is found. Whatever is written hangs on the tick, which every such
 * statement raises: if two run at once, one of them changes nothing, and so never sees half of what
 * the other did. Answers at any time change only rows in flight.
 * Locks: rows that are due, FOR UPDATE SKIP LOCKED, in order; the subscription's row, last.
 * Indexes: subscription_deliveries_pkey, _due and _streams (a look for a stream is ordered as only that one
 * is), events_pkey; rows are changed by ctid.
 * The first are counted, of which there are never more than the subscription may keep.
 */
export const deliverEvents = defineStatement<DeliverEventsParams, DeliveredRow>({
  name: 'deliver-events',
  sql: (schema) => `
    with ${kept(schema)}, ${fresh(schema)}, ${changes(schema)}
    select state.*, e.position, out.delivery, out.attempts, out.due_at as deadline, e.stream_id,
      e.version, e.type, e.schema_version, e.epoch, e.occurred_at, q.name as queue,
      job_type.name as job_type, e.tags, e.elapsed_ms, e.data, e.actor, e.causation, e.correlation
    from (
      select sub.head is not null and (exists (select from locked) or not coalesce(plan.works, false))
          as current,
        coalesce(sub.ahead, false) as ahead, coalesce(plan.works, false) as works,
        coalesce(plan.reached, $2) as reached,
        coalesce(sub.head, 0) as head, coalesce(sub.epoch, 0) as log_epoch,
        coalesce(not rest.reads, false) as full,
        (select greatest(0, extract(epoch from d.due_at - ${now}) * 1000)::float8
         from ${schema}.subscription_deliveries d
         where d.subscription_id = $10 and d.due_at > ${now}
         order by d.due_at limit 1) as next_due_ms
      from (select) one left join sub on true left join plan on true left join rest on true
    ) state
    left join (out
      cross join lateral (
        select * from ${schema}.events e
        where e.position = out.position and e.position > $12 and e.position <= $2::bigint + $14::int
        limit 1
      ) e
      join ${schema}.queues q on q.id = e.queue_id
      left join ${schema}.job_types job_type on job_type.id = e.job_type_id
    ) on true
    order by e.position`,
  values: (params) => [
    ...logPageValues(params),
    params.subscriptionId,
    params.tick,
    params.position,
    params.member,
    params.scan,
    params.maxInFlight,
    params.maxAttempts,
    params.ackTimeoutMs,
    params.inStreamOrder,
    params.maxKept,
  ],
});
