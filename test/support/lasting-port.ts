import { once } from 'node:events';
import { createServer } from 'node:net';
import { errorCode } from '../../src/embedded/error-code.ts';

/**
 * A port of this machine for a server that ends and comes back. It lies below those that the system
 * gives to connections: one of those may go to somebody else meanwhile, and be it to a client that keeps
 * trying to connect, and so finds itself.
 */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      (error: unknown) => {
        if (errorCode(error) !== 'EADDRINUSE') throw error;
        return false;
      },
    );
    if (isFree) await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}
