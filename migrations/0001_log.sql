-- Up Migration
-- Purpose: the append-only log, the inbox that feeds it, and the sequencer's state.
-- Locks: only tables made here. Breaking: no (first).

create table log_epochs (
  epoch integer primary key,
  opened_at timestamptz not null default statement_timestamp(),
  -- The server this epoch was opened on; another server means a restore or a failover.
  system_identifier text not null,
  timeline integer not null,
  after_position bigint not null,
  reason text not null
);

-- One row. `tick` grows with every batch: a sequencer that read an older tick changes nothing.
create table log_head (
  singleton boolean primary key default true check (singleton),
  tick bigint not null,
  position bigint not null,
  -- Every inbox number up to this one is in the log, was rolled back, or is listed as missing.
  highest_seq bigint not null,
  -- Numbers still missing, in groups, each with the transaction id that first missed it.
  missing_ranges int8multirange[] not null,
  missing_fences xid8[] not null,
  recorded_at timestamptz not null,
  epoch integer not null references log_epochs (epoch),
  -- Positions per partition of `events`.
  partition_span bigint not null
) with (fillfactor = 20, autovacuum_enabled = true, autovacuum_vacuum_threshold = 1000);

create table event_types (
  code smallint primary key,
  name text not null unique
);
insert into event_types (code, name) values
  (1, 'JobSubmitted'), (2, 'JobClaimed'), (3, 'JobCompleted'), (4, 'JobFailed'), (5, 'JobRetried'),
  (6, 'JobDead'), (7, 'JobCancelled'), (8, 'JobInterrupted'), (9, 'JobCancelRequested'),
  (10, 'JobSnoozed'), (11, 'JobRescheduled'), (12, 'JobEdited'), (13, 'JobMoved'),
  (14, 'PayloadErased'), (32, 'QueueCreated'), (33, 'QueuePaused'), (34, 'QueueResumed'),
  (35, 'QueueConfigured');

-- Written by every command in the statement that changes the claim row. `cache 1` is what makes the
-- numbers of one stream grow with its versions: a cached range would be drawn before the row lock.
create table event_inbox (
  seq bigint generated always as identity (cache 1) primary key,
  occurred_at timestamptz not null,
  stream_id uuid not null,
  version integer not null,
  queue_id integer not null,
  -- Null for events of queues.
  job_type_id integer,
  type smallint not null,
  schema_version smallint not null default 1,
  -- Of a claim, how long the job had been due; of the end of a claim, how long it lasted.
  elapsed_ms integer,
  data jsonb,
  actor text,
  causation text,
  correlation text,
  -- The job's tags at that moment: with queue and type, what subscriptions filter by.
  tags text[]
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0,
        autovacuum_analyze_threshold = 2000000000);

create table events (
  position bigint not null,
  occurred_at timestamptz not null,
  stream_id uuid not null,
  version integer not null,
  queue_id integer not null,
  job_type_id integer,
  epoch integer not null,
  type smallint not null,
  schema_version smallint not null,
  elapsed_ms integer,
  data jsonb,
  actor text,
  causation text,
  correlation text,
  tags text[],
  primary key (position)
) partition by range (position);
create index events_stream on events (stream_id, version);
-- Leads to a chain of work across jobs; those who use no correlation ids have nothing in it.
create index events_correlation on events (correlation, position) where correlation is not null;

create function refuse_change_of_events() returns trigger language plpgsql as $$
begin
  raise exception 'Events are never changed: % on % is refused.', tg_op, tg_table_name
    using errcode = 'DB002';
end
$$;
-- Row triggers of a partitioned table come with every partition that is attached to it.
create trigger events_are_immutable before update or delete on events
  for each row execute function refuse_change_of_events();

-- The only map from time to position.
create table log_batches (
  last_position bigint primary key,
  recorded_at timestamptz not null
);
create index log_batches_time on log_batches (recorded_at, last_position);

-- Who does a duty that one process at a time should do. An optimisation: two at once harm nobody.
create table duties (
  name text primary key,
  holder uuid not null,
  held_until timestamptz not null
) with (fillfactor = 50);

-- Raises from inside a statement, so that the caller's transaction cannot commit.
create function refuse(code text, message text) returns boolean language plpgsql as $$
begin
  raise exception '%', message using errcode = code;
end
$$;

-- Makes partition k of the log, holding positions k*span+1 .. (k+1)*span. LIKE and ATTACH, because
-- CREATE TABLE ... PARTITION OF would queue behind every reader of the log, and others behind it.
create function add_event_partition(k bigint, span bigint) returns boolean language plpgsql as $$
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

-- Functions run with the schema they were made in, whatever the caller's search_path is.
do $$
begin
  execute format('alter function add_event_partition(bigint, bigint) set search_path = %I, pg_temp',
    current_schema());
end
$$;

-- Down Migration
drop function add_event_partition(bigint, bigint);
drop function refuse(text, text);
drop table duties, log_batches, events, event_inbox, event_types, log_head, log_epochs;
drop function refuse_change_of_events();
