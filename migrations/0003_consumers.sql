-- Up Migration
-- Purpose: how far each consumer has read, and how read models fold events in SQL.
-- Locks: only what is made here. Breaking: no (first).

-- One row per build of a consumer: the live one, and at most one that is being built beside it, by a
-- new version of the code or because an operator asked. Born in the transaction that makes the tables of
-- that build; moved in the transaction that writes to them.
create table consumer_checkpoints (
  name text not null,
  -- Grows with every build; the tables of a read model bear it in their names.
  build integer not null,
  -- Of the code that asked for this build.
  version integer not null,
  role text not null check (role in ('live', 'building')),
  position bigint not null,
  begun_at timestamptz not null,
  updated_at timestamptz not null,
  -- Time spent on what it has read, pauses left out.
  busy_ms bigint not null default 0,
  -- Null while it may run.
  halted text check (halted in ('paused', 'failed')),
  -- Why it does not get on, and at which position.
  failure jsonb,
  -- Of a read model: its tables, and the statements that keep them. With these a process that knows
  -- another version only keeps the live build up to date until the new one takes its place.
  tables text[],
  upkeep text[],
  primary key (name, build)
) with (fillfactor = 30);
create unique index consumer_checkpoints_role on consumer_checkpoints (name, role);

-- Events that a consumer could not handle, and later ones of the same streams, which wait behind them.
create table parked_events (
  consumer text not null,
  build integer not null,
  position bigint not null,
  stream_id uuid not null,
  state text not null check (state in ('parked', 'retrying', 'skipped')),
  attempts integer not null default 0,
  error jsonb,
  parked_at timestamptz not null,
  primary key (consumer, build, position)
);
create index parked_events_streams on parked_events (consumer, build, stream_id, position)
  where state <> 'skipped';

-- Folds changes, each an object of columns, the way evolve does: what comes later wins, and what no
-- change names is absent. To be called with `order by position`.
create aggregate fold_changes(jsonb) (sfunc = jsonb_concat, stype = jsonb, initcond = '{}');

-- Down Migration
drop aggregate fold_changes(jsonb);
drop table parked_events, consumer_checkpoints;
