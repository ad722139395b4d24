import type { FailureGroupRow } from '../../src/projections/failure-groups/fold.ts';
import { defineStatement } from '../../src/store/statement.ts';
import type { TestDatabase } from './test-database.ts';

interface StoredRow {
  readonly fingerprint: string;
  readonly type: string;
  readonly queue: string;
  readonly first_seen: number;
  readonly last_seen: number;
  readonly last_position: bigint;
  readonly failures: bigint;
  readonly dead: bigint;
  readonly job_id: string;
  readonly error_name: string;
  readonly message: string;
}

const readRows = defineStatement<Record<string, never>, StoredRow>({
  name: 'test-read-failure-groups',
  sql: (schema) => `
    select g.*, q.name as queue, t.name as type
    from ${schema}.failure_groups g
    join ${schema}.queues q on q.id = g.queue_id
    join ${schema}.job_types t on t.id = g.type_id
    order by g.fingerprint`,
  values: () => [],
});

/** What is stored, as the fold gives it, by fingerprint. */
export async function readFailureGroupRows({ database }: TestDatabase): Promise<FailureGroupRow[]> {
  const rows = await database.run(readRows, {});
  return rows.map((row) => ({
    fingerprint: row.fingerprint.replaceAll('-', ''),
    type: row.type,
    queue: row.queue,
    firstSeenMs: row.first_seen,
    lastSeenMs: row.last_seen,
    lastPosition: row.last_position,
    failures: Number(row.failures),
    dead: Number(row.dead),
    jobId: row.job_id,
    errorName: row.error_name,
    message: row.message,
  }));
}
