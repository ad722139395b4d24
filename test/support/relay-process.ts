import { openDatabase } from '../../src/store/database.ts';
import { createWakeUp } from '../../src/store/wake-up.ts';
import { prepareConsumers } from '../../src/consumers/builds/prepare-consumers.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { createUuidV7 } from '../../src/kernel/ids.ts';
import { silentObserver } from '../../src/kernel/observer.ts';
import { relayConsumer } from '../../src/relay/relay-consumer.ts';
import { createRelay } from '../../src/relay/relay.ts';
import { relaySettings } from './relay-settings.ts';

// A process that relays until it is killed:
//
//   tsx relay-process.ts <connection string> <target>

const [connectionString = '', url = ''] = process.argv.slice(2);
const holder = createUuidV7(Date.now)();
const observer = {
  ...silentObserver,
  warn: (message: string, context?: Readonly<Record<string, unknown>>) => {
    if (process.env['DAYBOOK_DEBUG'] === '1') console.error(message, context);
  },
};
const common = { observer, clock: systemClock, random: Math.random };
const database = openDatabase({ connectionString, schema: 'daybook', poolSize: 4, observer });
const connection = { connectionString };
const channel = 'daybook_daybook';
const wakeUp = createWakeUp({ ...common, connection, channel, processId: holder });
await wakeUp.start();
await prepareConsumers(database, [relayConsumer], observer);
const settings = relaySettings(url, { timeoutMs: 1_000 });
const relay = await createRelay({ ...common, database, wakeUp, holder, settings });
await relay.start();
