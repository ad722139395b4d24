import { defineStatement, type Executor } from '../../store/statement.ts';
import type { Histogram } from './histogram.ts';
import {
  type Counted,
  countedNames,
  jobMetricsName,
  type MetricsStep,
  stepMinutes,
} from './table.ts';

/** What to add up. Times are ms since the epoch, and beginnings of buckets. */
export interface MetricsRange {
  readonly tenantId: number;
  readonly step: MetricsStep;
  readonly fromMs: number;
  /** Not with it. */
  readonly toMs: number;
  readonly queueId?: number | undefined;
  readonly typeId?: number | undefined;
  /** Apart for each queue, for each type; else together. */
  readonly byQueue: boolean;
  readonly byType: boolean;
  /** Rows of the read model that may be added up. */
  readonly maxRows: number;
}

/** What happened in a bucket; buckets in which nothing happened are absent. */
export interface MetricsPoint {
  readonly bucketMs: number;
  /** Null where queues, types are added up. */
  readonly queue: string | null;
  readonly type: string | null;
  readonly counts: Readonly<Record<Counted, number>>;
  readonly wait: Histogram;
  readonly run: Histogram;
}

type PointRow = Record<Counted, bigint> & {
  readonly bucket: number;
  readonly queue: string | null;
  readonly type: string | null;
  readonly wait: number[] | null;
  readonly run: number[] | null;
  readonly too_many: boolean;
};

const point = 'bucket, queue_id, job_type_id';
const added = (histogram: 'wait' | 'run') => `
    ${histogram}_slots as (
      select ${point}, array_agg(n order by slot) as ${histogram} from (
        select ${point}, slot, sum(n)::float8 as n
        from points cross join lateral unnest(${histogram}) with ordinality as place (n, slot)
        group by 1, 2, 3, 4
      ) summed group by 1, 2, 3
    )`;

/**
 * Adds up rows of a read model: one probe for each queue, in the order of the key. Reads no more rows than
 * it may, and says when there were more.
 * Locks: none. Index: the primary key.
 */
const readPoints = defineStatement<MetricsRange, PointRow>({
  name: 'read-metrics',
  sql: (schema) => `
    with found as materialized (
      select m.* from ${schema}.queues q
      cross join lateral (
        select * from ${schema}.${jobMetricsName} m
        where (m.queue_id, m.minutes, m.bucket) >= (q.id, $2::int, to_timestamp($3::float8 / 1000))
          and (m.queue_id, m.minutes, m.bucket) < (q.id, $2::int, to_timestamp($4::float8 / 1000))
          and coalesce($6::int is null or m.job_type_id = $6, false)
        order by m.queue_id, m.minutes, m.bucket, m.job_type_id limit $9
      ) m
      where q.tenant_id = $1 and ($5::int is null or q.id = $5)
      limit $9
    ),
    -- None where there are too many: the answer is an error then.
    points as (
      select bucket, case when $7 then queue_id else 0 end as queue_id,
        case when $8 then job_type_id else 0 end as job_type_id,
        ${countedNames.join(', ')}, wait, run
      from found where (select count(*) from found) < $9
    ),
    counts as (
      select ${point}, ${countedNames.map((name) => `sum(${name}) as ${name}`).join(', ')}
      from points group by 1, 2, 3
    ),
    ${added('wait')},
    ${added('run')}
    select c.bucket, q.name as queue, type.name as type, w.wait, r.run,
      ${countedNames.map((name) => `c.${name}`).join(', ')}, false as too_many
    from counts c
    left join wait_slots w using (${point})
    left join run_slots r using (${point})
    left join ${schema}.queues q on q.id = c.queue_id
    left join ${schema}.job_types type on type.id = c.job_type_id
    union all
    select null, null, null, null, null, ${countedNames.map(() => 'null').join(', ')}, true
    where (select count(*) from found) >= $9
    order by 1, 2, 3`,
  values: (range) => [
    range.tenantId,
    stepMinutes[range.step],
    range.fromMs,
    range.toMs,
    range.queueId ?? null,
    range.typeId ?? null,
    range.byQueue,
    range.byType,
    range.maxRows + 1,
  ],
});

/** What happened in a time, in the order of time; null where more rows than allowed would be added up. */
export async function readMetrics(
  database: Executor,
  range: MetricsRange,
): Promise<MetricsPoint[] | null> {
  const rows = await database.run(readPoints, range);
  if (rows.some((row) => row.too_many)) return null;
  return rows.map((row) => ({
    bucketMs: row.bucket,
    queue: row.queue,
    type: row.type,
    counts: Object.fromEntries(countedNames.map((name) => [name, Number(row[name])])) as Record<
      Counted,
      number
    >,
    wait: row.wait ?? [],
    run: row.run ?? [],
  }));
}

/** Jobs per second. */
export interface QueueRates {
  readonly submitted: number;
  readonly completed: number;
  readonly failed: number;
}

interface RatesRow {
  readonly queue_id: number;
  readonly minute: QueueRates;
  readonly five_minutes: QueueRates;
}

const rate = (name: keyof QueueRates, minutes: number) => `'${name}', coalesce(sum(m.${name})
          filter (where m.bucket >= this.minute - interval '${minutes} minutes'), 0)
          / ${60 * minutes}::float8`;
const rates = (minutes: number) =>
  `jsonb_build_object(${(['submitted', 'completed', 'failed'] as const)
    .map((name) => rate(name, minutes))
    .join(', ')})`;

/** Locks: none. Index: the primary key, a probe of at most five buckets for each queue. */
const readRates = defineStatement<
  { readonly tenantId: number; readonly queueIds: readonly number[] },
  RatesRow
>({
  name: 'read-queue-rates',
  sql: (schema) => `
    select q.id as queue_id, rates.minute, rates.five_minutes
    from (select date_bin('1 minute', statement_timestamp(), 'epoch') as minute) this
    cross join ${schema}.queues q
    cross join lateral (
      select ${rates(1)} as minute, ${rates(5)} as five_minutes
      from ${schema}.${jobMetricsName} m
      where (m.queue_id, m.minutes, m.bucket)
          >= (q.id, ${stepMinutes.minute}, this.minute - interval '5 minutes')
        and (m.queue_id, m.minutes, m.bucket) < (q.id, ${stepMinutes.minute}, this.minute)
    ) rates
    where q.tenant_id = $1 and q.id = any ($2::int[])`,
  values: ({ tenantId, queueIds }) => [tenantId, queueIds],
});

/** How much happens in queues, by their numbers, over the last whole minute and the last five. */
export async function readQueueRates(
  database: Executor,
  tenantId: number,
  queueIds: readonly number[],
): Promise<Map<number, { lastMinute: QueueRates; lastFiveMinutes: QueueRates }>> {
  const rows = await database.run(readRates, { tenantId, queueIds });
  return new Map(
    rows.map((row) => [
      row.queue_id,
      { lastMinute: row.minute, lastFiveMinutes: row.five_minutes },
    ]),
  );
}
