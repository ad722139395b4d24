/** How the log is written out: one page, one event per line, or server-sent events. */
export type AnswerFormat = 'application/json' | 'application/x-ndjson' | 'text/event-stream';

const formats: readonly AnswerFormat[] = [
  'application/json',
  'application/x-ndjson',
  'text/event-stream',
];

/**
 * The format that an Accept header likes best (RFC 9110, 12.5.1); a page of JSON where it names none
 * of ours, as with browsers and `*` + `/*`.
 */
export function formatFor(accept: string | undefined): AnswerFormat {
  let best: AnswerFormat = 'application/json';
  let bestQuality = 0;
  for (const part of (accept ?? '').split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const format = formats.find((each) => each === name);
    const quality = qualityOf(parameters);
    if (format !== undefined && quality > bestQuality) {
      best = format;
      bestQuality = quality;
    }
  }
  return best;
}

function qualityOf(parameters: readonly string[]): number {
  const text = parameters.find((each) => each.startsWith('q='))?.slice(2);
  const quality = text === undefined ? 1 : Number(text);
  return Number.isFinite(quality) ? quality : 0;
}
