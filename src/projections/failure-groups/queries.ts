import { defineStatement, type Executor } from '../../store/statement.ts';
import { failureGroupsName } from './table.ts';

/** Failures of one kind. Times are ms since the epoch. */
export interface FailureGroup {
  /** 32 hex digits. */
  readonly fingerprint: string;
  readonly type: string;
  /** Of the newest failure, as are the error and the job. */
  readonly queue: string;
  readonly error: { readonly name: string; readonly message: string };
  readonly jobId: string;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly failures: number;
  /** How many of them ended their job. */
  readonly dead: number;
}

/** Which groups to list. What is absent restricts nothing. */
export interface FailureGroupFilter {
  readonly tenantId: number;
  /** Of the newest failure. */
  readonly queueId?: number | undefined;
  readonly typeId?: number | undefined;
  /** Where the page before ended. */
  readonly cursor?: FailureGroupCursor | undefined;
  /** Groups on the page, at least 1. */
  readonly limit: number;
}

export interface FailureGroupCursor {
  readonly lastSeenMs: number;
  readonly fingerprint: string;
}

export interface FailureGroupPage {
  /** Last seen first. */
  readonly groups: readonly FailureGroup[];
  /** For the page after this one; null on the last. */
  readonly nextCursor: FailureGroupCursor | null;
}

interface GroupRow {
  readonly fingerprint: string;
  readonly type: string;
  readonly queue: string;
  readonly error_name: string;
  readonly message: string;
  readonly job_id: string;
  readonly first_seen: number;
  readonly last_seen: number;
  readonly failures: bigint;
  readonly dead: bigint;
}

/**
 * Groups of failures, last seen first. Compares and orders by the whole key of the index, so that a
 * planner that believes the table small does not sort it.
 * Locks: none. Index: failure_groups_<build>_seen, backwards.
 */
const listGroups = defineStatement<FailureGroupFilter, GroupRow>({
  name: 'list-failure-groups',
  sql: (schema) => `
    select g.fingerprint, type.name as type, q.name as queue, g.error_name, g.message, g.job_id,
      g.first_seen, g.last_seen, g.failures, g.dead
    from (
      select * from ${schema}.${failureGroupsName} g
      where (g.tenant_id, g.last_seen, g.fingerprint) < ($1::int,
          coalesce(to_timestamp($4::float8 / 1000), 'infinity'), $5::uuid)
        and g.tenant_id >= $1
        and coalesce(($2::int is null or g.queue_id = $2) and ($3::int is null or g.type_id = $3),
          false)
      order by g.tenant_id desc, g.last_seen desc, g.fingerprint desc limit $6
    ) g
    join ${schema}.queues q on q.id = g.queue_id
    join ${schema}.job_types type on type.id = g.type_id
    order by g.last_seen desc, g.fingerprint desc`,
  values: ({ tenantId, queueId, typeId, cursor, limit }) => [
    tenantId,
    queueId ?? null,
    typeId ?? null,
    cursor?.lastSeenMs ?? null,
    cursor?.fingerprint ?? 'f'.repeat(32),
    // One more than the page has tells whether there is another.
    limit + 1,
  ],
});

/**
 * One page of the groups of failures, last seen first. It reads little more than the page; groups of one
 * queue or type are searched for among all. A group that is seen again while somebody turns
 * pages moves to the front.
 */
export async function listFailureGroups(
  database: Executor,
  filter: FailureGroupFilter,
): Promise<FailureGroupPage> {
  const rows = await database.run(listGroups, filter);
  const groups = rows.slice(0, filter.limit).map((row) => groupOf(row));
  const last = rows.length > groups.length ? groups.at(-1) : undefined;
  return { groups, nextCursor: last ?? null };
}

function groupOf(row: GroupRow): FailureGroup {
  return {
    fingerprint: row.fingerprint.replaceAll('-', ''),
    type: row.type,
    queue: row.queue,
    error: { name: row.error_name, message: row.message },
    jobId: row.job_id,
    firstSeenMs: row.first_seen,
    lastSeenMs: row.last_seen,
    failures: Number(row.failures),
    dead: Number(row.dead),
  };
}
