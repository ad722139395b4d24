import { once } from 'node:events';
import { connect } from 'node:net';

/** One answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Sends bytes as they are, and gives all that is answered until the server closes the connection.
 * @param then sent once the first of an answer has come
 */
export async function exchange(origin: string, bytes: string, then?: string): Promise<RawAnswer[]> {
  const socket = open(origin);
  const closed = once(socket, 'close');
  socket.write(bytes);
  if (then !== undefined) {
    await once(socket, 'data');
    socket.write(then);
  }
  await closed;
  return answersIn(socket.heard());
}

/**
 * Sends bytes as they are, waits for the first of an answer, or until another request has been answered
 * meanwhile, and hangs up.
 */
export async function prod(origin: string, bytes: Buffer): Promise<RawAnswer[]> {
  const socket = open(origin);
  const closed = once(socket, 'close');
  socket.write(bytes);
  const answered = Promise.race([once(socket, 'data'), closed]);
  await Promise.race([answered, fetch(`${origin}/health/live`)]);
  socket.end();
  await closed;
  return answersIn(socket.heard());
}

function open(origin: string) {
  const { hostname, port } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port) });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  // A server that has said what it has to say may cut off what is still being sent.
  socket.on('error', () => undefined);
  return Object.assign(socket, { heard: () => Buffer.concat(chunks).toString('latin1') });
}

/** @throws Error for what is no answer of HTTP; a last one that is cut off is left out */
export function answersIn(text: string): RawAnswer[] {
  if (text === '') return [];
  const match = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(text);
  if (match === null) throw new Error(`This is no answer: ${JSON.stringify(text.slice(0, 200))}`);
  const status = Number(match[1]);
  const headers = Object.fromEntries(
    (match[2] ?? '')
      .split('\r\n')
      .filter((line) => line !== '')
      .map((line) => [
        line.split(':', 1)[0]?.toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
  ) as Record<string, string>;
  const rest = text.slice(match[0].length);
  if (status === 100) return answersIn(rest);
  if (headers['content-length'] === undefined) return [{ status, headers, body: rest }];
  const length = Number(headers['content-length']);
  if (rest.length < length) return [];
  return [{ status, headers, body: rest.slice(0, length) }, ...answersIn(rest.slice(length))];
}
