/**
 * A place in the log that a reader may go on from: `v1.<epoch>.<position>`. What it names has been
 * read; what comes after has not. Every way of reading the log gives and takes the same token.
 */
export interface LogToken {
  readonly epoch: number;
  /** The last position that was read; 0n before the first. */
  readonly position: bigint;
}

const TOKEN_PATTERN = /^v1\.(\d{1,9})\.(\d{1,19})$/;
const POSITION_PATTERN = /^\d{1,19}$/;

/** The highest position a bigint of Postgres can say. */
const MAX_POSITION = 2n ** 63n - 1n;

export function formatLogToken({ epoch, position }: LogToken): string {
  return `v1.${epoch}.${position}`;
}

/** The token behind a text, or undefined for anything else. */
export function parseLogToken(text: string): LogToken | undefined {
  const match = TOKEN_PATTERN.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const position = parsePosition(match[2]);
  return position === undefined ? undefined : { epoch: Number(match[1]), position };
}

/** A position as a decimal text, or undefined for anything else. */
export function parsePosition(text: string): bigint | undefined {
  if (!POSITION_PATTERN.test(text)) return undefined;
  const position = BigInt(text);
  return position > MAX_POSITION ? undefined : position;
}
