import { plainColumn, sparseColumn } from '../../parameters/columns.ts';
import { defineStatement } from '../../statement.ts';

/**
 * A place for events that a restore has read before their turn. It is gone when the transaction ends,
 * and nothing of it goes through the write-ahead log. Locks: only what is made here.
 */
export const makeWaitingEvents = defineStatement<Record<string, never>, never>({
  name: 'make-waiting-events',
  sql: () => `
    create temporary table waiting_events (position bigint primary key, event text not null)
    on commit drop`,
  values: () => [],
});

export interface WaitingEventRow {
  readonly position: bigint;
  readonly event: string;
}

/** Puts events aside. Answers the positions that were not there yet. Locks: the rows it inserts. */
export const putWaitingEvents = defineStatement<
  { readonly rows: readonly WaitingEventRow[] },
  { position: bigint }
>({
  name: 'put-waiting-events',
  sql: () => `
    insert into pg_temp.waiting_events (position, event)
    select * from unnest($1::bigint[], $2::text[])
    on conflict (position) do nothing
    returning position`,
  values: ({ rows }) => [
    plainColumn(rows.map(({ position }) => String(position))),
    sparseColumn(rows.map(({ event }) => event)),
  ],
});

/**
 * Events that were put aside, from a position on: so many of them, and, but for the first one, so many
 * bytes. `next` is the position that stands behind a row, if there is one. What was read stays where it
 * is: rows that a transaction has deleted are waded through by its own scans.
 * Locks: none. Index: waiting_events_pkey.
 */
export const readWaitingEvents = defineStatement<
  { readonly from: bigint; readonly limit: number; readonly bytes: number },
  WaitingEventRow & { readonly next: bigint | null }
>({
  name: 'read-waiting-events',
  sql: () => `
    select position, event, next from (
      select w.position, w.event, lead(w.position) over places as next,
        row_number() over places as n,
        sum(octet_length(w.event)) over places - octet_length(w.event) as before
      from (
        select position, event from pg_temp.waiting_events
        where position >= $1 order by position limit $2 + 1
      ) w
      window places as (order by w.position)
    ) page
    where n <= $2 and before <= $3
    order by n`,
  values: ({ from, limit, bytes }) => [from, limit, bytes],
});
