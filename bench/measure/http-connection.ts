import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Keep-alive connections to one server, each with one request on its way at a time. */
export interface HttpConnections {
  /** Sends a request on the next free connection. */
  send(request: Buffer): Promise<HttpAnswer>;
  close(): void;
}

/** The bytes of a request, which can be sent many times. @param path with its query */
export function httpRequest(method: string, path: string, content?: object): Buffer {
  const body = content === undefined ? '' : JSON.stringify(content);
  const head = [
    `${method} ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    ...(content === undefined ? [] : ['content-type: application/json']),
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/**
 * Speaks as much HTTP as Daybook answers with. The client of Node takes about as long for a request as
 * the server, and would be measured with it.
 */
export async function openConnections(url: string, count: number): Promise<HttpConnections> {
  const { hostname, port } = new URL(url);
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      await once(socket, 'connect');
      return socket;
    }),
  );
  const free = [...sockets];
  const waiting: ((socket: Socket) => void)[] = [];
  const take = async (): Promise<Socket> =>
    free.pop() ?? new Promise((resolve) => waiting.push(resolve));
  const giveBack = (socket: Socket) => {
    const next = waiting.shift();
    if (next === undefined) free.push(socket);
    else next(socket);
  };
  return {
    async send(request) {
      const socket = await take();
      try {
        return await exchange(socket, request);
      } finally {
        giveBack(socket);
      }
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function exchange(socket: Socket, request: Buffer): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let length = 0;
    let end = Number.POSITIVE_INFINITY;
    const over = (settle: () => void) => {
      socket.off('data', read).off('close', closed).off('error', closed);
      settle();
    };
    const closed = () => over(() => reject(new Error('The server closed the connection.')));
    const read = (piece: Buffer) => {
      pieces.push(piece);
      length += piece.length;
      if (end === Number.POSITIVE_INFINITY) end = endOf(Buffer.concat(pieces));
      if (length >= end) over(() => resolve(parse(Buffer.concat(pieces))));
    };
    socket.on('data', read).on('close', closed).on('error', closed);
    socket.write(request);
  });
}

const HEAD_END = '\r\n\r\n';

/** Where the answer ends, once its head is there. */
function endOf(bytes: Buffer): number {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd === -1) return Number.POSITIVE_INFINITY;
  const head = bytes.toString('latin1', 0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  // One without content has no length either; all others of Daybook's that are asked for here do.
  return headEnd + HEAD_END.length + Number(length ?? 0);
}

function parse(bytes: Buffer): HttpAnswer {
  const head = bytes.indexOf(HEAD_END);
  return {
    status: Number(bytes.toString('latin1', 9, 12)),
    body: bytes.toString('utf8', head + HEAD_END.length),
  };
}
