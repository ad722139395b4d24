import { defineStatement } from '../../statement.ts';

/**
 * Keeps everybody else from making or moving the log until the transaction ends; readers go on.
 * Answers at once: whoever else restores here, or is writing to the head at this moment, has the lock.
 * Locks: log_head and log_epochs EXCLUSIVE.
 */
export const claimEmptyLog = defineStatement<Record<string, never>, never>({
  name: 'claim-empty-log',
  sql: (schema) => `lock table ${schema}.log_head, ${schema}.log_epochs in exclusive mode nowait`,
  values: () => [],
});

/** What stands in the way of a restore. */
export interface LogContents {
  /** Names of tables that hold something. */
  readonly filled: readonly string[] | null;
  /** Null before the log was made. */
  readonly tick: bigint | null;
  readonly span: bigint | null;
  readonly position: bigint | null;
  /** The newest epoch. */
  readonly epoch: number | null;
  readonly after_position: bigint | null;
  readonly reason: string | null;
}

const tables = [
  'events',
  'event_inbox',
  'log_batches',
  'queues',
  'job_types',
  'job_payloads',
  'job_claims',
  'dead_jobs',
  'worker_sessions',
];

/** Whether there is anything in the log, or beside it that follows from a log. Locks: none. */
export const readLogContents = defineStatement<Record<string, never>, LogContents>({
  name: 'read-log-contents',
  sql: (schema) => `
    select (
        select array_agg(f.name) from (
          ${tables
            .map(
              (table) => `select '${table}' as name where exists (select from ${schema}.${table})`,
            )
            .join(' union all ')}
        ) f) as filled,
      h.tick, h.partition_span as span, h.position, newest.epoch, newest.after_position, newest.reason
    from (select) one
    left join ${schema}.log_head h on true
    left join lateral (
      select e.epoch, e.after_position, e.reason from ${schema}.log_epochs e order by e.epoch desc limit 1
    ) newest on true`,
  values: () => [],
});

/** Takes away the head and the epochs of a log that is empty. Locks: the tables are locked. */
export const dropEmptyHead = defineStatement<Record<string, never>, never>({
  name: 'drop-empty-head',
  sql: (schema) => `
    with gone as (delete from ${schema}.log_head) delete from ${schema}.log_epochs`,
  values: () => [],
});
