import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { openDatabase } from '../../../src/store/database.ts';

/** A message of the protocol: its letter, its length, its body. */
function message(letter: string, ...body: readonly (string | number)[]): Buffer {
  const bytes = Buffer.from(
    body.flatMap((part) => (typeof part === 'number' ? [part] : [...Buffer.from(`${part}\0`)])),
  );
  const head = Buffer.alloc(5);
  head.write(letter, 'latin1');
  head.writeInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

const authenticated = message('R', 0, 0, 0, 0);
const ready = message('Z', 'I'.charCodeAt(0));
const ended = message('E', 'SFATAL', 'C57P01', 'Mterminating connection', 0);

let server: Server;
beforeEach(async () => {
  server = createServer((socket) => {
    socket.once('data', () => socket.end(Buffer.concat([authenticated, ready, ended])));
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => server.close());

// Without a listener the error event would end the process, which vitest reports as unhandled.
it('a connection that the server ends as soon as it is ready ends no process', async () => {
  const { port } = server.address() as AddressInfo;
  const connectionString = `postgres://x:x@127.0.0.1:${port}/x`;
  const database = openDatabase({
    connectionString,
    schema: 'daybook',
    poolSize: 2,
    observer: silentObserver,
    clock: systemClock,
  });
  const statement = { name: 'nothing', sql: () => 'nothing', values: () => [] };
  await expect(database.transaction((tx) => tx.run(statement, {}))).rejects.toMatchObject({
    code: 'database-unavailable',
  });
  await database.close();
});
