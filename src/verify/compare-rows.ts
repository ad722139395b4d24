import { isDeepStrictEqual } from 'node:util';
import type { Findings } from './report.ts';

type Row = Readonly<Record<string, unknown>>;

/** Compares a row with what the log gives, column by column. Null: there is none, or should be none. */
export function compareRow(
  findings: Findings,
  table: string,
  key: string,
  expected: Row | null,
  found: Row | null,
): void {
  if (expected === null && found === null) return;
  if (found === null) findings.add({ kind: 'row-missing', table, key, expected });
  else if (expected === null) findings.add({ kind: 'row-extra', table, key, found });
  else {
    for (const column of Object.keys(expected)) {
      compareColumn(findings, table, key, column, expected[column], found[column]);
    }
  }
}

/** Compares one column. */
export function compareColumn(
  findings: Findings,
  table: string,
  key: string,
  column: string,
  expected: unknown,
  found: unknown,
): void {
  if (isSame(expected, found)) return;
  findings.add({ kind: 'column-differs', table, key, column, expected, found });
}

/** Equal values, whatever they are made of. */
export function isSame(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && isDeepStrictEqual(a, b));
}
