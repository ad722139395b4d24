import type { EventConsumer } from '../consumers/consumer.ts';

/** The name of the relay's checkpoint, among those of the other consumers. */
export const relayName = 'relay';

/** What makes its checkpoint, beside those of other consumers; it is read for by the relay itself. */
export const relayConsumer: EventConsumer = {
  name: relayName,
  version: 1,
  handle: () => Promise.reject(new Error('The relay reads the log by itself.')),
};
