import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type Clock, systemClock } from '../kernel/clock.ts';
import type { Observer } from '../kernel/observer.ts';
import type { GaugeSource } from './gauge-source.ts';
import { createLabelLimit } from './label-limit.ts';
import type { Logger } from './logger.ts';
import { type MetricDefinition, type MetricKey, metricTable } from './metrics.ts';
import { createGaugeWriter } from './write-gauges.ts';

export interface TelemetryOptions {
  /** The version of Daybook, for daybook_build_info. */
  readonly version: string;
  /** Where `warn` and `info` go. */
  readonly logger: Logger;
  /** Pairs of queue and type that are told apart; default 1,000. */
  readonly maxLabelPairs?: number;
  /** How long a scrape waits for the database, in ms; default 2,000. */
  readonly scrapeTimeoutMs?: number;
  readonly clock?: Clock;
}

export interface Telemetry {
  readonly observer: Observer;
  /** Daybook's own registry, never the global one of prom-client. */
  readonly registry: Registry;
  /** The Prometheus text; never rejects because the database is away. */
  metricsText(): Promise<string>;
  /** Where gauges come from, once somebody knows the database. */
  setGaugeSource(source: GaugeSource): void;
}

type Counters = Readonly<Record<MetricKey<'counter'>, Counter>>;
type Histograms = Readonly<Record<MetricKey<'histogram'>, Histogram>>;

/** Makes the metrics of one process, with everything at zero. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = make('counter', (metric) => new Counter(configOf(metric, registry)));
  const gauges = make('gauge', (metric) => new Gauge(configOf(metric, registry)));
  const histograms = make('histogram', (metric) => {
    return new Histogram({ ...configOf(metric, registry), buckets: [...(metric.buckets ?? [])] });
  });
  gauges.buildInfo.set({ version: options.version }, 1);
  const { maxLabelPairs = 1_000, scrapeTimeoutMs = 2_000, clock = systemClock, logger } = options;
  const writeGauges = createGaugeWriter(gauges, { timeoutMs: scrapeTimeoutMs, clock, logger });

  let source: GaugeSource | null = null;
  let scrape: Promise<string> | null = null;
  return {
    observer: {
      ...observerOf(counters, histograms, createLabelLimit(maxLabelPairs)),
      subscribed: (count) => gauges.subscribers.set(count),
      warn: (message, context) => logger.warn(message, context),
      info: (message, context) => logger.info(message, context),
    },
    registry,
    setGaugeSource(given) {
      source = given;
    },
    metricsText() {
      // Scrapes at the same time share one reading: gauges are written in place.
      scrape ??= writeGauges(source)
        .then(() => registry.metrics())
        .finally(() => {
          scrape = null;
        });
      return scrape;
    },
  };
}

function make<Kind extends MetricDefinition['kind'], Metric>(
  kind: Kind,
  create: (definition: MetricDefinition) => Metric,
): Record<MetricKey<Kind>, Metric> {
  const made: Record<string, Metric> = {};
  for (const [key, definition] of Object.entries<MetricDefinition>(metricTable)) {
    if (definition.kind === kind) made[key] = create(definition);
  }
  return made;
}

function configOf({ name, help, labels }: MetricDefinition, registry: Registry) {
  return { name, help, labelNames: [...labels], registers: [registry] };
}

function observerOf(
  counters: Counters,
  histograms: Histograms,
  limited: ReturnType<typeof createLabelLimit>,
): Omit<Observer, 'warn' | 'info' | 'subscribed'> {
  return {
    submitted: (labels, count) => add(counters.submitted, limited(labels), count),
    claimed(labels, waitMs) {
      const kept = limited(labels);
      counters.started.inc(kept);
      measure(histograms.waitSeconds, kept, waitMs);
    },
    failed: (labels) => counters.failed.inc(limited(labels)),
    ended(labels, outcome, runMs) {
      const kept = limited(labels);
      // Cancellations are told by `cancelled`, whether or not the job was running.
      if (outcome !== 'cancelled') counters[outcome].inc(kept);
      if (runMs !== null) measure(histograms.runSeconds, kept, runMs);
    },
    cancelled: (labels) => counters.cancelled.inc(limited(labels)),
    outcomeRejected: (code) => counters.outcomesRejected.inc({ code }),
    leaseExpired: (count) => add(counters.leaseExpired, {}, count),
    sequenced: (count) => add(counters.sequenced, {}, count),
    projected: (projection, count) => add(counters.projected, { projection }, count),
    eventsSent: (count) => add(counters.eventsSent, {}, count),
    fellBehind: () => counters.subscribersBehind.inc(),
  };
}

/** An observer must not throw, and prom-client does for what is no count. */
function add(counter: Counter, labels: Record<string, string>, count: number): void {
  if (Number.isFinite(count) && count > 0) counter.inc(labels, count);
}

function measure(histogram: Histogram, labels: Record<string, string>, ms: number): void {
  if (Number.isFinite(ms)) histogram.observe(labels, Math.max(0, ms) / 1_000);
}
