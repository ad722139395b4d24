import type { EventType } from '../../domain/event-types.ts';
import type { RecordedEvent } from '../../store/event-codec.ts';
import { foldPerTenant } from '../fold-per-tenant.ts';
import type { LogRowFold } from '../row-fold.ts';
import { bucketOf } from './bucket.ts';
import { type Histogram, slotOf } from './histogram.ts';
import { jobMetrics } from './projection.ts';
import { readAllJobMetrics } from './queries.ts';
import {
  type Counted,
  countedEvents,
  countedNames,
  jobMetricsName,
  type MetricsStep,
  runEvents,
  stepMinutes,
  waitEvents,
} from './table.ts';

/** A row of the read model, with names for numbers. */
export interface MetricsRow {
  readonly step: MetricsStep;
  /** When the bucket begins, in ms since the epoch. */
  readonly bucketMs: number;
  readonly queue: string;
  readonly type: string;
  readonly counts: Readonly<Record<Counted, number>>;
  readonly wait: Histogram;
  readonly run: Histogram;
}

/** Folds the log, in order, into the rows that the table should have. */
export interface MetricsFold {
  /** @param recordedAtMs when the batch of the log that holds the event was written */
  add(event: RecordedEvent, recordedAtMs: number): void;
  /** In no particular order. */
  rows(): MetricsRow[];
}

interface GrowingRow extends MetricsRow {
  readonly counts: Record<Counted, number>;
  readonly wait: number[];
  readonly run: number[];
}

const steps = Object.keys(stepMinutes) as readonly MetricsStep[];
const waits = new Set<EventType>(waitEvents);
const runs = new Set<EventType>(runEvents);

export function createMetricsFold(): MetricsFold {
  const rows = new Map<string, GrowingRow>();
  return {
    add(event, recordedAtMs) {
      const counted = countedNames.find((name) => countedEvents[name] === event.type);
      const histogram = histogramOf(event.type);
      if (event.jobType === null || (counted === undefined && histogram === undefined)) return;
      for (const step of steps) {
        const bucketMs = bucketOf(step, recordedAtMs);
        const key = JSON.stringify([step, bucketMs, event.queue, event.jobType]);
        const row = rows.get(key) ?? emptyRow(step, bucketMs, event.queue, event.jobType);
        rows.set(key, row);
        if (counted !== undefined) row.counts[counted] += 1;
        if (histogram !== undefined && event.elapsedMs !== null) {
          put(row[histogram], event.elapsedMs);
        }
      }
    },
    rows: () => [...rows.values()],
  };
}

function histogramOf(type: EventType): 'wait' | 'run' | undefined {
  if (waits.has(type)) return 'wait';
  return runs.has(type) ? 'run' : undefined;
}

function emptyRow(step: MetricsStep, bucketMs: number, queue: string, type: string): GrowingRow {
  const counts = Object.fromEntries(countedNames.map((name) => [name, 0])) as GrowingRow['counts'];
  return { step, bucketMs, queue, type, counts, wait: [], run: [] };
}

function put(histogram: number[], elapsedMs: number): void {
  const slot = slotOf(elapsedMs);
  while (histogram.length <= slot) histogram.push(0);
  histogram[slot] = (histogram[slot] ?? 0) + 1;
}

/** The buckets as the table has them. */
export const jobMetricsFold: LogRowFold = {
  scope: 'log',
  name: jobMetrics.name,
  table: jobMetricsName,
  start: foldPerTenant(
    createMetricsFold,
    ({ step, bucketMs, queue, type, counts, wait, run }, ids) => ({
      key: keyOf(stepMinutes[step], bucketMs, ids.queueId(queue), ids.typeId(type)),
      columns: { ...counts, wait, run },
    }),
  ),
  async read(executor) {
    const rows = await executor.run(readAllJobMetrics, {});
    return rows.map(({ minutes, bucket, queue_id: queueId, job_type_id: typeId, ...columns }) => ({
      key: keyOf(minutes, bucket, queueId, typeId),
      columns,
    }));
  },
};

function keyOf(
  minutes: number,
  bucketMs: number,
  queueId: number | null,
  typeId: number | null,
): string {
  return `queue ${queueId} type ${typeId} ${minutes} min from ${new Date(bucketMs).toISOString()}`;
}
