/** Rows of a name and a number, in two columns; null for what is not built. */
export function table(rows: readonly (readonly [string, number | null])[]): string[] {
  const texts = rows.map(([name, found]) => [name, found === null ? 'not built' : count(found)]);
  const widths = [0, 1].map((at) => Math.max(...texts.map((row) => row[at]?.length ?? 0)));
  return texts.map(
    ([name = '', text = '']) =>
      `  ${name.padEnd(widths[0] ?? 0)}  ${text.padStart(widths[1] ?? 0)}`,
  );
}

/** 1234567 as 1,234,567. */
export function count(number: number): string {
  return number.toLocaleString('en-US');
}
