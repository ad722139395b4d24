import type { Gauge } from 'prom-client';
import type { Clock } from '../kernel/clock.ts';
import type { DatabaseGauges, GaugeSource, SubscriptionGauges } from './gauge-source.ts';
import type { Logger } from './logger.ts';
import type { MetricKey } from './metrics.ts';

type Gauges = Readonly<Record<MetricKey<'gauge'>, Gauge>>;

interface GaugeWriterOptions {
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Sets the gauges to what the source says, once; never rejects. */
export type GaugeWriter = (source: GaugeSource | null) => Promise<void>;

/**
 * Gauges are read anew for each scrape. What the source does not say, or says too late, is left out:
 * an old number would look like a fresh one, and a zero like good news.
 */
export function createGaugeWriter(gauges: Gauges, options: GaugeWriterOptions): GaugeWriter {
  return async (source) => {
    if (source === null) {
      writeDatabase(gauges, {});
      for (const gauge of [gauges.up, gauges.poolConnections, gauges.poolWaiting]) clear(gauge);
      return;
    }
    const read = await readInTime(source, options);
    gauges.up.set(read === null ? 0 : 1);
    writeDatabase(gauges, read ?? {});
    const { total, idle, waiting } = source.pool();
    gauges.poolConnections.set({ state: 'total' }, total);
    gauges.poolConnections.set({ state: 'idle' }, idle);
    gauges.poolWaiting.set(waiting);
  };
}

/** What the source answers; null if it fails or takes too long. */
async function readInTime(
  source: GaugeSource,
  { timeoutMs, clock, logger }: GaugeWriterOptions,
): Promise<DatabaseGauges | null> {
  const done = new AbortController();
  const reading = (async () => source.read())().catch((error: unknown) => {
    if (!done.signal.aborted) logger.warn('the gauges could not be read', { error });
    return null;
  });
  const read = await Promise.race([
    reading,
    clock.sleep(timeoutMs, done.signal).then(() => undefined),
  ]);
  done.abort();
  if (read === undefined) logger.warn('the gauges were not read in time', { timeoutMs });
  return read ?? null;
}

function writeDatabase(gauges: Gauges, read: DatabaseGauges): void {
  for (const gauge of [gauges.queueDepth, gauges.queueOldestAge]) clear(gauge);
  for (const { queue, depth, oldestAgeSeconds } of read.queues ?? []) {
    for (const [state, jobs] of Object.entries(depth))
      gauges.queueDepth.set({ queue, state }, jobs);
    gauges.queueOldestAge.set({ queue }, oldestAgeSeconds);
  }
  const { projectionLagEvents, projectionLagSeconds, projectionMoving } = gauges;
  for (const gauge of [projectionLagEvents, projectionLagSeconds, projectionMoving]) clear(gauge);
  for (const { projection, lagEvents, lagSeconds, moving } of read.projections ?? []) {
    projectionLagEvents.set({ projection }, lagEvents);
    projectionLagSeconds.set({ projection }, lagSeconds);
    projectionMoving.set({ projection }, moving ? 1 : 0);
  }
  writeSubscriptions(gauges, read.subscriptions ?? []);
  setOrClear(gauges.inboxLagEvents, read.inboxLagEvents);
  setOrClear(gauges.inboxLagSeconds, read.inboxLagSeconds);
  setOrClear(gauges.oldestSnapshotAge, read.oldestSnapshotAgeSeconds);
}

function writeSubscriptions(gauges: Gauges, subscriptions: readonly SubscriptionGauges[]): void {
  const { subscriptionLagEvents, subscriptionLagSeconds, subscriptionMoving } = gauges;
  for (const gauge of [subscriptionLagEvents, subscriptionLagSeconds, subscriptionMoving]) {
    clear(gauge);
  }
  clear(gauges.subscriptionEvents);
  for (const { subscription, lagEvents, lagSeconds, moving, events } of subscriptions) {
    subscriptionLagEvents.set({ subscription }, lagEvents);
    subscriptionLagSeconds.set({ subscription }, lagSeconds);
    subscriptionMoving.set({ subscription }, moving ? 1 : 0);
    for (const [state, count] of Object.entries(events)) {
      gauges.subscriptionEvents.set({ subscription, state }, count);
    }
  }
}

function setOrClear(gauge: Gauge, value: number | undefined): void {
  if (value === undefined) clear(gauge);
  else gauge.set(value);
}

/** Without any value, so that it is not in the text; `reset` alone leaves a zero without labels. */
function clear(gauge: Gauge): void {
  gauge.reset();
  gauge.remove({});
}
