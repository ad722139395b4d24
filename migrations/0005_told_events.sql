-- Up Migration
-- Purpose: an index on what happened to jobs beside submitting, claiming and completing them, on the
-- partitions of the log that are made from now on: three statements of the read models look for it in
-- every range, mostly find none, and need not read the range for that.
-- Locks: none. Breaking: no. A partition without the index is read as before.

create or replace function add_event_partition(k bigint, span bigint) returns boolean language plpgsql as $$
declare
  leaf text := 'events_' || k;
begin
  perform pg_advisory_xact_lock(hashtextextended(current_schema() || '.' || leaf, 0));
  if to_regclass(format('%I.%I', current_schema(), leaf)) is not null then
    return false;
  end if;
  execute format('create table %I (like events including all)', leaf);
  execute format('create index %I on %I (position) where type > 3 and type < 32', leaf || '_told', leaf);
  execute format('alter table events attach partition %I for values from (%s) to (%s)',
    leaf, k * span + 1, (k + 1) * span + 1);
  execute format('create trigger log_is_kept before truncate on %I
    for each statement execute function refuse_change_of_events()', leaf);
  return true;
end
$$;
do $$
begin
  execute format('alter function add_event_partition(bigint, bigint) set search_path = %I, pg_temp',
    current_schema());
end
$$;

-- Down Migration
create or replace function add_event_partition(k bigint, span bigint) returns boolean language plpgsql as $$
declare
  leaf text := 'events_' || k;
begin
  perform pg_advisory_xact_lock(hashtextextended(current_schema() || '.' || leaf, 0));
  if to_regclass(format('%I.%I', current_schema(), leaf)) is not null then
    return false;
  end if;
  execute format('create table %I (like events including all)', leaf);
  execute format('alter table events attach partition %I for values from (%s) to (%s)',
    leaf, k * span + 1, (k + 1) * span + 1);
  execute format('create trigger log_is_kept before truncate on %I
    for each statement execute function refuse_change_of_events()', leaf);
  return true;
end
$$;
do $$
begin
  execute format('alter function add_event_partition(bigint, bigint) set search_path = %I, pg_temp',
    current_schema());
end
$$;
