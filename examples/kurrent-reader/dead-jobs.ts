import {
  type EventStoreDBClient,
  eventTypeFilter,
  isCommandError,
  PARK,
  persistentSubscriptionToAllSettingsFromDefaults,
  START,
  ErrorType,
} from '@eventstore/db-client';

const GROUP = 'daybook-dead-jobs';

/** Somebody has to look at these. */
export interface DeadJob {
  readonly id: string;
  readonly queue: string;
  readonly reason: string;
}

/**
 * A persistent subscription: KurrentDB keeps the place, and several of these processes share the work.
 * It hands out events at least once and in no order, so what is done with one is done by its id.
 * Returns once the signal aborts.
 */
export async function collectDeadJobs(
  client: EventStoreDBClient,
  found: Map<string, DeadJob>,
  signal: AbortSignal,
): Promise<void> {
  await makeGroup(client);
  const subscription = client.subscribeToPersistentSubscriptionToAll(GROUP);
  const stop = () => void subscription.unsubscribe();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const resolved of subscription) {
      const { event } = resolved;
      if (event === undefined) continue;
      try {
        found.set(event.id, deadJob(event));
        await subscription.ack(resolved);
      } catch (error) {
        await subscription.nack(PARK, String(error), resolved);
      }
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function makeGroup(client: EventStoreDBClient): Promise<void> {
  const settings = persistentSubscriptionToAllSettingsFromDefaults({ startFrom: START });
  const filter = eventTypeFilter({ prefixes: ['JobDead'] });
  try {
    await client.createPersistentSubscriptionToAll(GROUP, settings, { filter });
  } catch (error) {
    const exists = ErrorType.PERSISTENT_SUBSCRIPTION_EXISTS;
    if (!(error instanceof Error && isCommandError(error) && error.type === exists)) throw error;
  }
}

function deadJob({
  streamId,
  data,
  metadata,
}: {
  streamId: string;
  data: unknown;
  metadata?: unknown;
}) {
  const { reason } = data as { reason: string };
  const { queue } = metadata as { queue: string };
  return { id: streamId.slice('job-'.length), queue, reason };
}
