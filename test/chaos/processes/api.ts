import { createGaugeSource } from '../../../src/api/gauges.ts';
import { createServer } from '../../../src/api/server.ts';
import { openDaybook } from '../../../src/daybook.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createTelemetry } from '../../../src/telemetry/telemetry.ts';
import { sayReady } from './orders.ts';

/** An HTTP server and nothing else: `<connection string> <name> <port>`. */
const [connectionString = '', name = '', port = '0'] = process.argv.slice(2);
const logger = createLogger({ stream: process.stderr, format: 'human' });
const telemetry = createTelemetry({ version: 'chaos', logger });
const daybook = await openDaybook({
  connectionString,
  maintain: false,
  observer: telemetry.observer,
});
telemetry.setGaugeSource(createGaugeSource(daybook.context));
const server = createServer({
  context: daybook.context,
  consumers: daybook.consumers,
  tail: daybook.tail,
  subscriptions: daybook.subscriptions,
  metricsText: () => telemetry.metricsText(),
  version: 'chaos',
  instance: name,
  isDraining: () => false,
});
await server.listen({ host: '127.0.0.1', port: Number(port) });
sayReady();
process.channel?.unref();
process.once('SIGTERM', () => {
  void server
    .close()
    .then(() => daybook.close())
    .then(() => process.exit(0));
});
