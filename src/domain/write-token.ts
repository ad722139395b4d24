/**
 * Names an event before it has a position: `<epoch>.<streamId>.<version>`. Every write answers one;
 * reads that are given it wait until they have seen the event.
 */
export interface WriteToken {
  readonly epoch: number;
  readonly streamId: string;
  readonly version: number;
}

const TOKEN_PATTERN = /^(\d{1,9})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(\d{1,9})$/;

export function formatWriteToken(token: WriteToken): string {
  return `${token.epoch}.${token.streamId}.${token.version}`;
}

/** The token behind a text, or undefined for anything else. */
export function parseWriteToken(text: string): WriteToken | undefined {
  const match = TOKEN_PATTERN.exec(text);
  if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined)
    return undefined;
  return { epoch: Number(match[1]), streamId: match[2], version: Number(match[3]) };
}
