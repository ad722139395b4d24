import type { EventRow } from './read-streams.ts';

/** What of the log is to be read. */
export interface ReadLogPageParams {
  readonly tenantId: number;
  /** Positions after this one. */
  readonly afterPosition: bigint;
  /** Events at the most. */
  readonly limit: number;
  /** Positions to look at, at the most, where no index leads to the events. */
  readonly scan: number;
  /** Codes of event types; null for all, like the others. */
  readonly types: readonly number[] | null;
  readonly queues: readonly string[] | null;
  readonly jobTypes: readonly string[] | null;
  readonly tags: readonly string[] | null;
  readonly correlations: readonly string[] | null;
  readonly streamIds: readonly string[] | null;
}

/** An event, or nothing but the bounds: a page without events is one row whose position is null. */
export interface LogPageRow extends Omit<EventRow, 'read_at'> {
  /** The last position of the log, in the snapshot of the page. */
  readonly head: bigint;
  readonly log_epoch: number;
  /** Positions up to this one are no longer in the database. */
  readonly dropped_until: bigint;
  /** Everything up to here has been looked at; never before `afterPosition`. */
  readonly reached: bigint;
}

/** The parameters in the order of their numbers. */
export function logPageValues(params: ReadLogPageParams): readonly unknown[] {
  return [
    params.tenantId,
    params.afterPosition,
    params.limit,
    params.types,
    params.queues,
    params.jobTypes,
    params.tags,
    params.correlations,
    params.streamIds,
  ];
}

/**
 * The conditions on one event `e`, but for the one that led to it. Parameters are known when the
 * statement is planned, so conditions that are not given cost nothing. Names are looked up once per
 * statement, and not remembered: one that nothing bears yet may be made at any time.
 */
export function logPageFilter(schema: string, ledBy?: 'correlation' | 'stream'): string {
  const conditions = [
    '($4::smallint[] is null or e.type = any ($4))',
    `($5::text[] is null or e.queue_id = any (array(
      select id from ${schema}.queues where tenant_id = $1 and name = any ($5))))`,
    `($6::text[] is null or e.job_type_id = any (array(
      select id from ${schema}.job_types where tenant_id = $1 and name = any ($6))))`,
    '($7::text[] is null or e.tags && $7)',
  ];
  if (ledBy !== 'correlation') {
    conditions.push(
      '($8::text[] is null or coalesce(e.correlation, e.stream_id::text) = any ($8))',
    );
  }
  if (ledBy !== 'stream') conditions.push('($9::uuid[] is null or e.stream_id = any ($9))');
  return conditions.join(' and ');
}

/**
 * A page: the events of `found` with the bounds of the log in the same snapshot. If `found` holds
 * fewer than $3 events, everything up to `lookedUntil` was looked at.
 */
export function logPageSql(schema: string, found: string, lookedUntil: string): string {
  return `
    with bounds as materialized (
      select h.position as head, h.epoch as log_epoch, h.partition_span * (
        select coalesce(min(substr(c.relname, 8)::bigint), 0)
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = '${schema}.events'::regclass) as dropped_until
      from ${schema}.log_head h
    ),
    found as materialized (${found}),
    size as (select count(*) as events, max(position) as last from found)
    select bounds.head, bounds.log_epoch, bounds.dropped_until,
      case when size.events >= $3 then size.last
           else greatest($2, least(bounds.head, ${lookedUntil})) end as reached,
      e.position, e.stream_id, e.version, e.type, e.schema_version, e.epoch, e.occurred_at,
      q.name as queue, job_type.name as job_type, e.tags, e.elapsed_ms, e.data, e.actor, e.causation,
      e.correlation
    from bounds cross join size
    left join (found e
      join ${schema}.queues q on q.id = e.queue_id and q.tenant_id = $1
      left join ${schema}.job_types job_type on job_type.id = e.job_type_id
    ) on true
    order by e.position`;
}
