-- Up Migration
-- Purpose: how far each consumer has read, and how read models fold events in SQL.
-- Locks: only what is made here. Breaking: no (first).

-- One row per version, so that a new version can run beside the live one. Born in the transaction
-- that makes the tables of that version; moved in the transaction that writes to them.
create table consumer_checkpoints (
  name text not null,
  version integer not null,
  position bigint not null,
  updated_at timestamptz not null,
  primary key (name, version)
) with (fillfactor = 30);

-- Folds changes, each an object of columns, the way evolve does: what comes later wins, and what no
-- change names is absent. To be called with `order by position`.
create aggregate fold_changes(jsonb) (sfunc = jsonb_concat, stype = jsonb, initcond = '{}');

-- Down Migration
drop aggregate fold_changes(jsonb);
drop table consumer_checkpoints;
