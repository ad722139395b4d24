import { z } from 'zod';
import { DaybookError } from '../../kernel/errors.ts';
import { bucketOf } from '../../projections/job-metrics/bucket.ts';
import { type Histogram, quantileMs } from '../../projections/job-metrics/histogram.ts';
import { jobMetrics } from '../../projections/job-metrics/projection.ts';
import {
  type MetricsPoint,
  type MetricsRange,
  readMetrics,
  readMetricsAt,
} from '../../projections/job-metrics/queries.ts';
import {
  countedNames,
  type MetricsStep,
  stepMinutes,
} from '../../projections/job-metrics/table.ts';
import type { Api } from '../dependencies.ts';
import { type ApiServer, operation } from '../operation.ts';
import { atField, momentOf, onlyAt } from '../requests/at.ts';
import { readFresh } from '../requests/read-after.ts';
import { freshnessFields, nameField, shownMs, timeField } from '../schemas/fields.ts';
import { described } from '../schemas/registry.ts';
import { statsSchema } from './stats-schema.ts';

/** Buckets from one end to the other. */
const MAX_BUCKETS = 1_500;
/** Rows of the read model that one request adds up: of a bucket, a queue and a type each. */
const MAX_ROWS = 10_000;

/** How far back the default goes, in buckets. */
const defaultBuckets: Readonly<Record<MetricsStep, number>> = { minute: 60, hour: 24, day: 30 };

const query = z.strictObject({
  from: described(
    timeField.optional(),
    'Brought down to the bucket it is in. Default: 60 minutes, 24 hours or 30 days before `to`.',
  ),
  to: described(timeField.optional(), 'Brought up to the end of its bucket. Default: now.'),
  queue: nameField.optional(),
  type: nameField.optional(),
  step: described(
    z.enum(['minute', 'hour', 'day']).default('minute'),
    'How long each bucket is; days are those of UTC.',
  ),
  groupBy: described(
    z.enum(['queue', 'type', 'queue,type']).optional(),
    'What is told apart; without it, all that is asked for is added up.',
  ),
  ...freshnessFields,
  at: atField.optional(),
});

const stats = operation(
  {
    operationId: 'getStats',
    summary: 'What happened when: counts, rates, and how long jobs waited and ran',
    description: `An event counts in the minute in which it came into the log. Asks for more than ${MAX_BUCKETS} buckets, or more than ${MAX_ROWS} of a queue and a type each, are refused.`,
    tags: ['statistics'],
    querystring: query,
    response: { 200: statsSchema },
  },
  [404, 410],
);

/** GET /v1/stats. */
export function statsRoute(app: ApiServer, api: Api): void {
  app.route({
    method: 'GET',
    url: '/v1/stats',
    schema: stats,
    handler: async (request) => {
      const { step } = request.query;
      const { position, nowMs, asOf } = await freshOrPast(api, request.query);
      const range = rangeOf(request.query, nowMs);
      const points = await pointsOf(
        api,
        request.query,
        range,
        'time' in asOf ? position : undefined,
      );
      return {
        data: points.map((point) => pointView(point, step, nowMs)),
        from: shownMs(range.fromMs),
        to: shownMs(range.toMs),
        step,
        asOf,
      };
    },
  });
}

/** How far the answer has read, or is to read with `at`, and what time it is then. */
async function freshOrPast(api: Api, { at, ...fresh }: z.output<typeof query>) {
  if (at === undefined) {
    const { position, readAtMs } = await readFresh(api, [jobMetrics.name], fresh);
    return { position, nowMs: readAtMs, asOf: { position: position.toString() } };
  }
  onlyAt({ after: fresh.after, minPosition: fresh.minPosition });
  const { position, timeMs } = await momentOf(api, at, [jobMetrics]);
  const asOf = { position: position.toString(), time: shownMs(timeMs) };
  return { position, nowMs: timeMs, asOf };
}

/** @throws DaybookError `invalid-request` */
function rangeOf(
  { from, to, step }: Pick<z.output<typeof query>, 'from' | 'to' | 'step'>,
  nowMs: number,
): Pick<MetricsRange, 'fromMs' | 'toMs'> {
  const widthMs = stepMinutes[step] * 60_000;
  const lastMs = (to ?? nowMs + 1) - 1;
  const toMs = bucketOf(step, lastMs) + widthMs;
  const fromMs = bucketOf(step, from ?? toMs - defaultBuckets[step] * widthMs);
  if (fromMs >= toMs) throw refused('from', 'must be before `to`');
  const buckets = (toMs - fromMs) / widthMs;
  if (buckets <= MAX_BUCKETS) return { fromMs, toMs };
  throw refused(
    'from',
    `asks for ${buckets} buckets of a ${step}; up to ${MAX_BUCKETS} are given: choose a larger step or a shorter time`,
  );
}

/** @throws DaybookError `queue-not-found`, `invalid-request` */
async function pointsOf(
  { context }: Api,
  { queue, type, step, groupBy }: z.output<typeof query>,
  { fromMs, toMs }: Pick<MetricsRange, 'fromMs' | 'toMs'>,
  past: bigint | undefined,
): Promise<MetricsPoint[]> {
  const { database, names, tenantId } = context;
  const queueId = queue === undefined ? undefined : await names.queueId(queue);
  const typeId = type === undefined ? undefined : await names.typeId(type);
  if (type !== undefined && typeId === undefined) return [];
  const range = {
    fromMs,
    toMs,
    tenantId,
    step,
    queueId,
    typeId,
    byQueue: groupBy?.startsWith('queue') ?? false,
    byType: groupBy?.endsWith('type') ?? false,
    maxRows: MAX_ROWS,
  };
  const points = await (past === undefined
    ? readMetrics(database, range)
    : readMetricsAt(database, range, past));
  if (points !== null) return points;
  throw refused(
    'from',
    `asks for more than ${MAX_ROWS} buckets of a queue and a type each: name a queue or a type, or choose a larger step or a shorter time`,
  );
}

function pointView(
  { bucketMs, queue, type, counts, wait, run }: MetricsPoint,
  step: MetricsStep,
  nowMs: number,
): z.output<typeof statsSchema>['data'][number] {
  const endMs = bucketMs + stepMinutes[step] * 60_000;
  // A bucket may be a moment ahead: its time is the log's.
  const toMs = Math.min(endMs, Math.max(nowMs, bucketMs + 1_000));
  const perSecond = { ...counts };
  for (const name of countedNames) perSecond[name] = (counts[name] * 1_000) / (toMs - bucketMs);
  return {
    from: shownMs(bucketMs),
    to: shownMs(toMs),
    ...(queue === null ? {} : { queue }),
    ...(type === null ? {} : { type }),
    counts,
    perSecond,
    waitMs: quantilesOf(wait),
    runMs: quantilesOf(run),
  };
}

function quantilesOf(histogram: Histogram) {
  const p50 = quantileMs(histogram, 0.5);
  const p95 = quantileMs(histogram, 0.95);
  const p99 = quantileMs(histogram, 0.99);
  return p50 === null || p95 === null || p99 === null ? null : { p50, p95, p99 };
}

function refused(field: string, message: string): DaybookError {
  return new DaybookError('invalid-request', `/query/${field}: ${message}.`, {
    fields: [{ pointer: `/query/${field}`, message }],
  });
}
