-- Up Migration
-- Purpose: how far each consumer has read. One row per version, so that a new version can run
-- beside the live one.
-- Locks: only tables made here. Breaking: no (first).

create table consumer_checkpoints (
  name text not null,
  version integer not null,
  position bigint not null,
  updated_at timestamptz not null,
  primary key (name, version)
) with (fillfactor = 30);

-- Down Migration
drop table consumer_checkpoints;
