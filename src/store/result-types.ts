import pg from 'pg';

const INT8 = 20;
const TIMESTAMPTZ = 1184;
const UUID_ARRAY = 2951;

type Parser = (text: string) => unknown;

const parseTimestamp = pg.types.getTypeParser(TIMESTAMPTZ) as (
  text: string,
) => Date | number | null;

/** A uuid[] of one dimension. Nothing in it is quoted; pg looks at each character. */
function uuids(text: string): (string | null)[] {
  if (text === '{}') return [];
  const elements = text.slice(1, -1).split(',');
  return text.includes('NULL')
    ? elements.map((element) => (element === 'NULL' ? null : element))
    : elements;
}

/**
 * `2026-11-22 02:34:35.123+00` to ms since the epoch; other styles by pg's own parser. Read digit by
 * digit, because a claimed job brings three of them, and `Date.parse` costs ten times as much.
 */
function timestampMs(text: string): number {
  // Date.UTC takes a year below 100 for one of the last century.
  if (text[0] === '0' || text[4] !== '-' || text[10] !== ' ' || !text.endsWith('+00')) {
    return Number(parseTimestamp(text));
  }
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const hour = twoDigits(text, 11);
  let ms = 0;
  for (let index = 20; index < 23; index += 1) {
    const digit = index < text.length - 3 ? text.charCodeAt(index) - ZERO : 0;
    ms = ms * 10 + digit;
  }
  return Date.UTC(
    year,
    twoDigits(text, 5) - 1,
    twoDigits(text, 8),
    hour,
    twoDigits(text, 14),
    twoDigits(text, 17),
    ms,
  );
}

const ZERO = 48;

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO;
}

/**
 * How column values reach Daybook, whatever a user's own pool was told: bigint as BigInt, timestamptz
 * as ms since the epoch, everything else as pg does it. Handed over with each query.
 */
export const resultTypes = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): Parser {
    if (format !== 'binary') {
      if (oid === INT8) return BigInt;
      if (oid === TIMESTAMPTZ) return timestampMs;
      if (oid === UUID_ARRAY) return uuids;
    }
    return pg.types.getTypeParser(oid, format);
  },
};
