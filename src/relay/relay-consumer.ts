import type { EventConsumer } from '../consumers/consumer.ts';
import { DaybookError } from '../kernel/errors.ts';

/** The name of the relay's checkpoint, among those of the other consumers. */
export const relayName = 'relay';

/** What makes its checkpoint, beside those of other consumers; it is read for by the relay itself. */
export const relayConsumer: EventConsumer = {
  name: relayName,
  version: 1,
  handle: () => Promise.reject(new Error('The relay reads the log by itself.')),
};

/** What is asked about the relay of a database that has none. */
export function neverRelayed(): DaybookError {
  const message =
    'Nothing was ever relayed from this database: start Daybook with EVENTSTORE_URL set.';
  return new DaybookError('consumer-not-found', message);
}
