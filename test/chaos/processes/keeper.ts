import { openDaybook } from '../../../src/daybook.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createTelemetry } from '../../../src/telemetry/telemetry.ts';
import { sayReady } from './orders.ts';

/** Sequencer, read models and caretaker, and nothing else: `<connection string> <expiry in ms>`. */
const [connectionString = '', expiryMs = '1000'] = process.argv.slice(2);
const logger = createLogger({ stream: process.stderr, format: 'human' });
const { observer } = createTelemetry({ version: 'chaos', logger });
const daybook = await openDaybook({
  connectionString,
  maintain: true,
  caretaker: { expiryMs: Number(expiryMs) },
  observer,
});
sayReady();
process.channel?.unref();
process.once('SIGTERM', () => {
  void daybook.close().then(() => process.exit(0));
});
