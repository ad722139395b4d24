import { listQueues } from '../commands/change/change-queue.ts';
import { readLogGauges, readOldestDueJobs } from '../commands/read/read-gauges.ts';
import type { WriteContext } from '../commands/write-context.ts';
import {
  readSubscriptions,
  type SubscriptionState,
} from '../consumers/groups/subscription-state.ts';
import { listLags } from '../consumers/lag.ts';
import { readQueueCounters } from '../projections/queue-counters/queries.ts';
import type {
  DatabaseGauges,
  GaugeSource,
  QueueGauges,
  SubscriptionGauges,
} from '../telemetry/gauge-source.ts';

/** What a scrape reads from the database: the counters of every queue, and how far readers lag. */
export function createGaugeSource(
  context: WriteContext,
  nowMs: () => number = Date.now,
): GaugeSource {
  const { database } = context;
  return {
    async read() {
      const [queues, log, lags, subscriptions] = await Promise.all([
        readQueues(context, nowMs),
        readLogGauges(context),
        listLags(database),
        readSubscriptions(database, context.tenantId),
      ]);
      return {
        queues,
        projections: lags.map(({ name, role, lagEvents, lagSeconds, moving }) => ({
          projection: role === 'live' ? name : `${name}-rebuild`,
          lagEvents: Number(lagEvents),
          lagSeconds,
          moving,
        })),
        subscriptions: subscriptions.map(subscriptionGauges),
        ...(log === null ? {} : logGauges(log)),
      };
    },
    pool() {
      const { totalCount, idleCount, waitingCount } = database.pool;
      return { total: totalCount, idle: idleCount, waiting: waitingCount };
    },
  };
}

function subscriptionGauges(state: SubscriptionState): SubscriptionGauges {
  const { name, lagEvents, lagSeconds, moving, inFlight, waiting, behind, parked } = state;
  return {
    subscription: name,
    lagEvents: Number(lagEvents),
    lagSeconds,
    moving,
    events: { 'in-flight': inFlight, waiting, behind, parked },
  };
}

function logGauges(row: {
  readonly inbox_lag: bigint;
  readonly oldest_inbox_age_ms: number;
  readonly oldest_snapshot_age_ms: number;
}): DatabaseGauges {
  return {
    inboxLagEvents: Number(row.inbox_lag),
    inboxLagSeconds: Math.max(0, row.oldest_inbox_age_ms) / 1_000,
    oldestSnapshotAgeSeconds: Math.max(0, row.oldest_snapshot_age_ms) / 1_000,
  };
}

async function readQueues(context: WriteContext, nowMs: () => number): Promise<QueueGauges[]> {
  const { database, tenantId } = context;
  const queues = await listQueues(context);
  const queueIds = queues.map(({ id }) => id);
  const [counters, oldest] = await Promise.all([
    readQueueCounters(database, tenantId, queueIds),
    readOldestDueJobs(context, queueIds),
  ]);
  return queues.map(({ id, name }) => {
    const { waiting = 0, running = 0, dead = 0 } = counters.get(id) ?? {};
    const dueAt = oldest.get(id) ?? null;
    // This machine's clock against the database's: an age is shown, and nothing hangs on it.
    const oldestAgeSeconds = dueAt === null ? 0 : Math.max(0, nowMs() - dueAt) / 1_000;
    return { queue: name, depth: { waiting, running, dead }, oldestAgeSeconds };
  });
}
