/** More than anything that may be stored: counting further would only take time. */
const ENOUGH = 4 * 1_048_576;
/** What a value takes beside its text: its place, a number, a bracket. */
const EACH = 16;

/**
 * About how many bytes a value takes in memory: its texts, and something for every part. Good enough
 * to bound what is kept; never throws, and looks at no more than a few MiB.
 */
export function roughBytes(value: unknown): number {
  let bytes = 0;
  const left: unknown[] = [value];
  while (left.length > 0 && bytes < ENOUGH) {
    const next = left.pop();
    bytes += EACH;
    if (typeof next === 'string') bytes += 2 * next.length;
    else if (ArrayBuffer.isView(next)) bytes += next.byteLength;
    else if (typeof next === 'object' && next !== null) {
      for (const [key, part] of partsOf(next)) {
        bytes += 2 * key.length;
        left.push(part);
      }
    }
  }
  return bytes;
}

function partsOf(value: object): [string, unknown][] {
  try {
    return Object.entries(value);
  } catch {
    // A getter that throws: whoever wants the value itself will hear of it.
    return [];
  }
}
