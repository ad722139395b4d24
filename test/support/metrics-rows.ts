import type { MetricsRow } from '../../src/projections/job-metrics/fold.ts';
import {
  countedNames,
  type MetricsStep,
  stepMinutes,
} from '../../src/projections/job-metrics/table.ts';
import { defineStatement } from '../../src/store/statement.ts';
import type { TestDatabase } from './test-database.ts';

type StoredRow = Record<(typeof countedNames)[number], number> & {
  readonly bucket: number;
  readonly minutes: number;
  readonly queue: string;
  readonly type: string;
  readonly wait: number[];
  readonly run: number[];
};

const readRows = defineStatement<Record<string, never>, StoredRow>({
  name: 'test-read-job-metrics',
  sql: (schema) => `
    select m.*, q.name as queue, t.name as type
    from ${schema}.job_metrics m
    join ${schema}.queues q on q.id = m.queue_id
    join ${schema}.job_types t on t.id = m.job_type_id`,
  values: () => [],
});

/** What is stored, as the fold gives it. */
export async function readMetricsRows({ database }: TestDatabase): Promise<MetricsRow[]> {
  const steps = Object.entries(stepMinutes) as [MetricsStep, number][];
  const rows = await database.run(readRows, {});
  return inOrder(
    rows.map((row) => ({
      step: steps.find(([, minutes]) => minutes === row.minutes)?.[0] ?? 'minute',
      bucketMs: row.bucket,
      queue: row.queue,
      type: row.type,
      counts: Object.fromEntries(countedNames.map((name) => [name, row[name]])) as never,
      wait: row.wait,
      run: row.run,
    })),
  );
}

/** By what tells rows apart. */
export function inOrder(rows: readonly MetricsRow[]): MetricsRow[] {
  const key = ({ step, bucketMs, queue, type }: MetricsRow) =>
    JSON.stringify([step, bucketMs, queue, type]);
  return rows.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}
