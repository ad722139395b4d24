import { createServer } from 'node:net';
import { embeddedFailure } from '../embedded-failure.ts';

/** A TCP port of 127.0.0.1 on which nobody listens now; another program may take it before we do. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string')
    throw embeddedFailure('The system gave no free TCP port on 127.0.0.1.');
  return address.port;
}
