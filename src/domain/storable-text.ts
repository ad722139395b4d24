const LONE_SURROGATES = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/**
 * A text as Postgres can keep it in jsonb: no NUL, no half of a surrogate pair, at most `maxLength`
 * characters, the cut marked.
 */
export function storableText(text: string, maxLength: number): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
  return cut.replaceAll('\u0000', '\uFFFD').replace(LONE_SURROGATES, '\uFFFD');
}

/** True for a text that can be kept as it is. */
export function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.search(LONE_SURROGATES) === -1;
}
