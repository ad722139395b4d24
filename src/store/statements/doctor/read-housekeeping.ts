import { defineStatement } from '../../statement.ts';

export interface HousekeepingRow {
  /** Duties that a process holds at this moment. */
  readonly duties: string[];
  /** Worker sessions that lapsed so long ago that a caretaker should have settled them. */
  readonly lapsed_sessions: number;
  /** By consumer, how many events are parked; at most so many are counted. */
  readonly parked: Readonly<Record<string, number>>;
}

/** Whether somebody keeps the house. Locks: none. Index: worker_sessions_unsettled. */
export const readHousekeeping = defineStatement<
  { readonly lapsedForMs: number; readonly countUpTo: number },
  HousekeepingRow
>({
  name: 'read-housekeeping',
  sql: (schema) => `
    select array(select d.name from ${schema}.duties d
        where d.held_until > statement_timestamp() order by d.name) as duties,
      (select count(*)::int from (
        select from ${schema}.worker_sessions s
        where not s.settled and s.lease_until < statement_timestamp() - $1 * interval '1 ms'
        limit $2) lapsed) as lapsed_sessions,
      (select coalesce(jsonb_object_agg(consumer, n), '{}') from (
        select p.consumer, count(*)::int as n from (
          select consumer from ${schema}.parked_events where state <> 'skipped' limit $2) p
        group by p.consumer) counted) as parked`,
  values: ({ lapsedForMs, countUpTo }) => [lapsedForMs, countUpTo],
});
