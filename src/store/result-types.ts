import pg from 'pg';

const INT8 = 20;
const TIMESTAMPTZ = 1184;

type Parser = (text: string) => unknown;

const parseTimestamp = pg.types.getTypeParser(TIMESTAMPTZ) as (
  text: string,
) => Date | number | null;

/** `2026-11-22 02:34:35.123+00` to ms since the epoch; other styles by pg's own parser. */
function timestampMs(text: string): number {
  if (text.endsWith('+00') && text[10] === ' ') {
    const ms = Date.parse(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`);
    if (!Number.isNaN(ms)) return ms;
  }
  return Number(parseTimestamp(text));
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
    }
    return pg.types.getTypeParser(oid, format);
  },
};
