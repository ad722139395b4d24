import { type ClientRequest, get, type IncomingMessage } from 'node:http';

/** One block of a stream of server-sent events. */
export interface Block {
  readonly event?: string;
  readonly id?: string;
  readonly data?: string;
  readonly comment?: string;
  readonly retry?: string;
}

/** A client that shows every line of a stream, and can stop reading. */
export interface RawEventSource {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly response: IncomingMessage;
  /** The next block; undefined at the end of the answer. */
  next(): Promise<Block | undefined>;
  /** Blocks up to and with the first one that fits. */
  until(fits: (block: Block) => boolean): Promise<Block[]>;
  close(): void;
}

/** Opens a stream; resolves with the head of the answer. */
export async function openEventSource(
  url: string,
  headers: Record<string, string> = {},
): Promise<RawEventSource> {
  const accept = { accept: 'text/event-stream', ...headers };
  const { request, response } = await new Promise<{
    request: ClientRequest;
    response: IncomingMessage;
  }>((resolve, reject) => {
    const sent = get(url, { headers: accept, agent: false }, (answer) =>
      resolve({ request: sent, response: answer }),
    );
    sent.on('error', reject);
  });
  response.on('error', () => undefined);
  const blocks = blocksOf(response);
  const next = async () => {
    const { value, done } = await blocks.next();
    return done === true ? undefined : value;
  };
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    response,
    next,
    async until(fits) {
      const seen: Block[] = [];
      for (;;) {
        const block = await next();
        if (block === undefined) throw new Error(`It ended after ${JSON.stringify(seen.at(-1))}`);
        seen.push(block);
        if (fits(block)) return seen;
      }
    },
    close: () => request.destroy(),
  };
}

async function* blocksOf(response: IncomingMessage): AsyncGenerator<Block, undefined, void> {
  let rest = '';
  try {
    for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
      const parts = (rest + chunk).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) yield blockOf(part);
    }
  } catch (error) {
    // The other end was cut off, or this one was closed: either way there is no more.
    if (!(error instanceof Error)) throw error;
  }
  return undefined;
}

function blockOf(text: string): Block {
  const block: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [name = '', ...value] = line.split(': ');
    block[name === '' ? 'comment' : name] = value.join(': ');
  }
  return block;
}

/** The position in the id of an event of the log; undefined for signals and heartbeats. */
export function positionOf({ event, data, id }: Block): number | undefined {
  if (event !== undefined || data === undefined) return undefined;
  return Number(id?.split('.').at(-1));
}

/** The positions of all events of the log. */
export function positionsIn(blocks: readonly Block[]): number[] {
  return blocks.flatMap((block) => positionOf(block) ?? []);
}
