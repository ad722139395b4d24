/** One block of a stream of server-sent events. */
export interface SseBlock {
  /** `message` where the block names none. */
  readonly event: string;
  /** The id that holds from this block on; undefined if the block has none. */
  readonly id: string | undefined;
  /** Undefined for a block that is no event, such as a heartbeat. */
  readonly data: string | undefined;
  readonly retryMs: number | undefined;
}

/** Cuts a stream into blocks, however the network cuts it into pieces (WHATWG HTML, 9.2.6). */
export function createSseParser(): (piece: string) => SseBlock[] {
  let rest = '';
  return (piece) => {
    // A line break may be cut in half: a carriage return at the end waits for what follows.
    const text = (rest + piece).replaceAll('\r\n', '\n');
    const end = text.endsWith('\r') ? -1 : text.length;
    const blocks = text.slice(0, end).replaceAll('\r', '\n').split('\n\n');
    rest = (blocks.pop() ?? '') + (end === -1 ? '\r' : '');
    return blocks.filter((block) => block !== '').map(blockOf);
  };
}

function blockOf(text: string): SseBlock {
  const data: string[] = [];
  let event = 'message';
  let id: string | undefined;
  let retryMs: number | undefined;
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id') id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) retryMs = Number(value);
  }
  return { event, id, data: data.length === 0 ? undefined : data.join('\n'), retryMs };
}
