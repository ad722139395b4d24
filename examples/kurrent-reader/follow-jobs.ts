import { type EventStoreDBClient, START, streamNameFilter } from '@eventstore/db-client';
import type { JobCounts } from './job-counts.ts';

/** Events after which the read model is written, if none is waiting sooner. */
const SAVE_EVERY = 500;

/**
 * A catch-up subscription: every event of every job from where the read model stands, and then each one
 * as it comes. Returns once the signal aborts; ends with an error if the connection does, and may be
 * begun again at any time. `onChange` is told what is written.
 */
export async function followJobs(
  client: EventStoreDBClient,
  model: JobCounts,
  signal: AbortSignal,
  onChange: (counts: Record<string, number>) => void = () => undefined,
): Promise<void> {
  const subscription = client.subscribeToAll({
    fromPosition: model.place === 'start' ? START : model.place,
    filter: streamNameFilter({ prefixes: ['job-'] }),
  });
  const stop = () => void subscription.unsubscribe();
  signal.addEventListener('abort', stop, { once: true });
  try {
    let unsaved = 0;
    for await (const { event } of subscription) {
      if (event === undefined) continue;
      model.apply(event, event.position);
      unsaved += 1;
      if (unsaved < SAVE_EVERY && subscription.readableLength > 0) continue;
      await model.save();
      unsaved = 0;
      onChange(model.counts());
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
