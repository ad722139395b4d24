import type { ReadModelPlace, ReadModelTable } from '../../consumers/consumer.ts';
import { eventTypeCodes as types } from '../../domain/event-types.ts';
import { fingerprintSql } from '../error-fingerprint-sql.ts';

/** Under this name readers find the table of the live build. */
export const failureGroupsName = 'failure_groups';

/** Characters kept of the newest message; the log has all of it. */
export const sampleLength = 500;

/** One row per error that jobs of a type have failed with, however often; what is newest, by position. */
export const failureGroupsTable: ReadModelTable = {
  name: failureGroupsName,
  create: (table, prefix) => [
    `create table ${table} (
      fingerprint uuid not null,
      tenant_id integer not null,
      type_id integer not null,
      -- Of the newest failure, as are the name, the message and the job.
      queue_id integer not null,
      first_seen timestamptz not null,
      last_seen timestamptz not null,
      last_position bigint not null,
      failures bigint not null,
      -- How many of them ended their job.
      dead bigint not null,
      job_id uuid not null,
      error_name text not null,
      message text not null,
      constraint ${prefix}_pkey primary key (tenant_id, fingerprint)
    ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
            autovacuum_vacuum_threshold = 1000)`,
    // For lists, last seen first.
    `create index ${prefix}_seen on ${table} (tenant_id, last_seen, fingerprint)`,
  ],
};

/**
 * How far before a range the failure may lie that made a job of the range dead. Both are written by
 * one statement and mostly stand side by side; between them is what others wrote in that moment.
 */
const lookBack = 2 ** 20;

/**
 * Adds the failures of a range to their groups, one write per group. That a failure ended its job says
 * the event after it, which may fall into the next range: it is looked for from there.
 * Locks: the rows it writes; the checkpoint's row keeps others away. Indexes: events_<k>_told,
 * events_stream by a LATERAL probe for each job that died, the primary key.
 */
export const keepFailureGroups = ({ schema, table }: ReadModelPlace): string => `
    with ended as materialized (
      select e.position, e.occurred_at, e.stream_id, e.version, e.queue_id, e.job_type_id, e.type,
        e.data -> 'error' as error
      from ${schema}.events e
      where e.position > $1 and e.position <= $2
        and e.type in (${types.JobFailed}, ${types.JobDead})
    ),
    failed as materialized (
      select position, occurred_at, stream_id, queue_id, job_type_id, error ->> 'name' as name,
        error ->> 'message' as message, 1 as failures, 0 as dead
      from ended where type = ${types.JobFailed}
      union all
      select f.*, 0, 1
      from ended d
      cross join lateral (
        select f.position, f.occurred_at, f.stream_id, f.queue_id, f.job_type_id,
          f.data #>> '{error,name}', f.data #>> '{error,message}'
        from ${schema}.events f
        where f.stream_id = d.stream_id and f.version >= d.version - 1 and f.version < d.version
          and f.position > $1 - ${lookBack} and f.position <= $2
          -- Wrapped, or the planner may look for it by events_told, and read all failures of the range.
          and coalesce(f.type = ${types.JobFailed}, false)
        order by f.version limit 1
      ) f
      where d.type = ${types.JobDead}
    ),
    -- Each text once: many jobs that fail together mostly say the same.
    errors as (
      select said.*, type.tenant_id,
        ${fingerprintSql('type.name', 'said.name', 'said.message')} as fingerprint
      from (select distinct job_type_id, name, message from failed) said
      join ${schema}.job_types type on type.id = said.job_type_id
    ),
    grouped as (
      select e.tenant_id, e.fingerprint, e.job_type_id, sum(f.failures) as failures,
        sum(f.dead) as dead, min(f.position) as first_position, max(f.position) as last_position
      from failed f
      join errors e on e.job_type_id = f.job_type_id and e.name = f.name and e.message = f.message
      group by e.tenant_id, e.fingerprint, e.job_type_id
    ),
    times as (
      select distinct on (position) * from failed order by position
    )
    insert into ${table(failureGroupsName)} as g (fingerprint, tenant_id, type_id, queue_id,
      first_seen, last_seen, last_position, failures, dead, job_id, error_name, message)
    select n.fingerprint, n.tenant_id, n.job_type_id, newest.queue_id, oldest.occurred_at,
      newest.occurred_at, newest.position, n.failures, n.dead, newest.stream_id, newest.name,
      left(newest.message, ${sampleLength})
    from grouped n
    join times oldest on oldest.position = n.first_position
    join times newest on newest.position = n.last_position
    on conflict (tenant_id, fingerprint) do update set
      failures = g.failures + excluded.failures, dead = g.dead + excluded.dead,
      (queue_id, last_seen, last_position, job_id, error_name, message) = (
        select newest.* from (values
          (g.queue_id, g.last_seen, g.last_position, g.job_id, g.error_name, g.message),
          (excluded.queue_id, excluded.last_seen, excluded.last_position, excluded.job_id,
           excluded.error_name, excluded.message)
        ) as newest (queue_id, last_seen, last_position, job_id, error_name, message)
        order by newest.last_position desc limit 1)`;
