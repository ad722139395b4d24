import { DaybookError } from '../kernel/errors.ts';

/** Lines of an export are no longer than two bodies and what stands around them. */
const MAX_BYTES = 32 * 1_048_576;
const NEWLINE = 10;

/** A line of a file, from 1. */
export interface NumberedLine {
  readonly number: number;
  readonly text: string;
  /** False for what stands behind the last line break. */
  readonly ended: boolean;
}

/**
 * The lines of bytes that come in pieces; no more than one piece and one line are kept.
 * @throws DaybookError `source-refused` for what is no UTF-8, and for lines without end
 */
export async function* numberedLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<NumberedLine[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let number = 0;
  let pieces: Uint8Array[] = [];
  let kept = 0;
  const take = (last: Uint8Array, ended: boolean): NumberedLine => {
    number += 1;
    const bytes = pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
    pieces = [];
    kept = 0;
    try {
      return { number, text: decoder.decode(bytes), ended };
    } catch (error) {
      throw refusedAt(number, 'it is no UTF-8', error);
    }
  };
  for await (const chunk of chunks) {
    const lines: NumberedLine[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      lines.push(take(chunk.subarray(from, at), true));
      from = at + 1;
    }
    if (from < chunk.length) {
      // A copy: whoever reads may use the memory again.
      pieces.push(Uint8Array.from(chunk.subarray(from)));
      kept += chunk.length - from;
      if (kept > MAX_BYTES) throw refusedAt(number + 1, `it is longer than ${MAX_BYTES} bytes`);
    }
    if (lines.length > 0) yield lines;
  }
  if (pieces.length > 0) yield [take(new Uint8Array(), false)];
}

/** Says which line is wrong, and why. */
export function refusedAt(line: number, why: string, cause?: unknown): DaybookError {
  return new DaybookError('source-refused', `Line ${line}: ${why}. Nothing was restored.`, {
    cause,
  });
}
