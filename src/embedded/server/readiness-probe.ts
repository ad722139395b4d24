import { connect } from 'node:net';
import { serverRole } from './server-settings.ts';

/** Long enough for a busy machine; a suspended server accepts the connection and never answers. */
const patienceMs = 2_000;

/**
 * True if a Postgres on this port of 127.0.0.1 takes connections: it is sent the first message of a
 * session, and anything but silence and "starting up or shutting down" counts. Never rejects.
 */
export function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: patienceMs });
    const received: Buffer[] = [];
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', () => socket.write(startupMessage()));
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      const answer = readAnswer(Buffer.concat(received));
      if (answer !== undefined) settle(answer);
    });
    socket.on('timeout', () => settle(false));
    // Refused, reset or closed without an answer: nobody is ready there.
    socket.on('error', () => settle(false));
    socket.on('close', () => settle(false));
  });
}

/** StartupMessage of protocol 3.0 ("Message Formats" in the Postgres manual). */
function startupMessage(): Buffer {
  const body = Buffer.from(`user\0${serverRole}\0database\0${serverRole}\0\0`, 'latin1');
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + body.length, 0);
  head.writeInt32BE(196_608, 4);
  return Buffer.concat([head, body]);
}

/** Undefined while more bytes are needed. `R` asks for the password; `E` is an error with a code in field `C`. */
function readAnswer(bytes: Buffer): boolean | undefined {
  if (bytes.length < 5) return undefined;
  if (bytes.toString('latin1', 0, 1) === 'R') return true;
  if (bytes.toString('latin1', 0, 1) !== 'E') return false;
  if (bytes.length < 1 + bytes.readInt32BE(1)) return undefined;
  const fields = bytes.toString('utf8', 5).split('\0');
  // cannot_connect_now; any other error, such as too_many_connections, comes from a server that runs.
  return !fields.includes('C57P03');
}
