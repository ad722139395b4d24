import type { z } from 'zod';
import type { Queue } from '../../commands/change/change-queue.ts';
import { readOldestDueJobs } from '../../commands/read/read-gauges.ts';
import { invariant } from '../../kernel/invariant.ts';
import { readQueueRates } from '../../projections/job-metrics/queries.ts';
import { type QueueCounters, readQueueCounters } from '../../projections/queue-counters/queries.ts';
import type { Api } from '../dependencies.ts';
import { shownMs, shownMsOrNull } from '../schemas/fields.ts';
import type { queueSchema, writtenQueue } from '../schemas/queue.ts';

/** Queues with how much is in them, and since when the oldest due job of each waits. */
export async function queueViews(
  api: Api,
  queues: readonly (Queue & { readonly id: number })[],
): Promise<z.output<typeof queueSchema>[]> {
  const { context } = api;
  const { database, tenantId } = context;
  const queueIds = queues.map(({ id }) => id);
  const [counters, rates, oldest] = await Promise.all([
    readQueueCounters(database, tenantId, queueIds),
    readQueueRates(database, tenantId, queueIds),
    readOldestDueJobs(context, queueIds),
  ]);
  return queues.map(({ id, name, paused, settings, createdAtMs }) => {
    const counted = counters.get(id);
    const happening = rates.get(id);
    invariant(counted !== undefined, 'a queue that exists has counters');
    invariant(happening !== undefined, 'a queue that exists has rates');
    return {
      name,
      paused,
      settings,
      createdAt: shownMs(createdAtMs),
      ...countedView(counted),
      rates: happening,
      oldestDueAt: shownMsOrNull(oldest.get(id) ?? null),
    };
  });
}

/** What was counted in a queue. */
export function countedView(counters: QueueCounters) {
  const { waiting, running, completed, dead, cancelled } = counters;
  const { submitted, started, failed, retried, interrupted } = counters;
  return {
    jobs: { waiting, running, completed, dead, cancelled },
    totals: { submitted, started, failed, retried, interrupted },
  };
}

/** A queue after a command: what the write side knows, without counters. */
export function writtenQueueView({ name, paused, settings, createdAtMs, token }: Queue) {
  const queue = { name, paused, settings, createdAt: shownMs(createdAtMs) };
  return { queue, token } satisfies z.output<typeof writtenQueue>;
}
